/** The networks of the machine, from configurations, the store, and the bridges that the kernel has. */
import { formatCidr, networkOf } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { closedLink } from "../../kernel/linkNames.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { listLinks } from "../../netlink/route/link.ts";
import type { Store } from "../../store/store.ts";
import { bridgeOf, type Configured, subnetsOf } from "./configured.ts";

export interface Network {
  readonly name: string;
  /** Absent for a network without a bridge, and where the bridge is not known. */
  readonly bridge: string | undefined;
  /** CIDRs: those of the configuration, else those that were chosen, else those of the bridge. */
  readonly subnets: readonly string[];
  /** The subnets are no part of a configuration: ns-net chose them, or they are those of the bridge. */
  readonly isChosen: boolean;
  /** Attachments in the store; for networks of other programs the ports of the bridge. */
  readonly attachments: number;
  /** Where the network is known from: the first of the three. */
  readonly source: "configuration" | "store" | "kernel";
  /** The file of its configuration; empty if it has none. */
  readonly path: string;
}

/** Configured networks in the order given, then those that the store alone knows, then bridges of other programs. */
export function everyNetwork(
  configured: readonly Configured[],
  store: Store | undefined,
  kernel: Kernel,
): readonly Network[] {
  const bridges = bridgesOf(kernel);
  const networks: Network[] = [];
  const add = (
    name: string,
    source: Network["source"],
    path: string,
    bridge: string | undefined,
    subnets: string[],
  ) => {
    if (networks.some((one) => one.name === name)) return;
    const entries = source === "kernel" ? [] : (store?.entries(name) ?? []);
    const used = bridge ?? entries.find((entry) => entry.bridge !== "")?.bridge;
    const chosen = source === "kernel" ? [] : [...(store?.memory(name)?.subnets ?? [])];
    const found = used === undefined ? undefined : bridges.get(used);
    networks.push({
      ...{ name, bridge: used, source, path, isChosen: subnets.length === 0 },
      subnets: [subnets, chosen, found?.subnets ?? []].find((all) => all.length > 0) ?? [],
      attachments: entries.length > 0 ? entries.length : (found?.ports ?? 0),
    });
  };
  for (const one of configured) {
    const { name } = one.configuration;
    if (typeof name === "string") add(name, "configuration", one.path, bridgeOf(one), subnetsOf(one));
  }
  for (const name of store?.networks() ?? []) add(name, "store", "", undefined, []);
  const known = new Set(networks.map(({ bridge }) => bridge));
  known.add(closedLink); // the bridge without ports to which ns-net sends what it drops
  for (const name of bridges.keys()) if (!known.has(name)) add(name, "kernel", "", name, []);
  return networks;
}

interface Bridge {
  readonly subnets: readonly string[];
  readonly ports: number;
}

function bridgesOf(kernel: Kernel): ReadonlyMap<string, Bridge> {
  const links = listLinks(kernel.route("host"));
  const addresses = listAddresses(kernel.route("host"));
  const bridges = links.filter(({ info }) => info?.kind === bridgeKind);
  return new Map(
    bridges.map(({ index, name = "" }) => {
      const subnets = addresses.flatMap(({ index: at, local, address, prefixLength }) => {
        const bytes = local ?? address;
        if (at !== index || bytes === undefined || isLinkLocal(bytes)) return [];
        return [formatCidr(networkOf({ ...addressFromBytes(bytes), prefixLength }))];
      });
      return [name, { subnets, ports: links.filter(({ master }) => master === index).length }];
    }),
  );
}

/** fe80::/10, which the kernel gives every link. */
const isLinkLocal = (bytes: Uint8Array) => bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
