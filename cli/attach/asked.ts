/** The networks that `add` is asked for, each as a plugin's configuration: from files, names, and flags. */

import { code, Fault } from "../../conf/fault.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { type Cidr, formatCidr, networkOf, overlaps, parseCidr } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { routesOfLinks } from "../../kernel/routes.ts";
import { UsageError } from "../command.ts";
import { readNetwork } from "../network.ts";
import { remembered } from "../remembered.ts";
import { parsePublished } from "./publish.ts";
import { burstOf, parseRate } from "./rate.ts";
import { asRuntimeSends } from "./topLevel.ts";

export interface Asked {
  readonly network?: readonly string[];
  readonly ifname?: string;
  readonly ip?: readonly string[];
  readonly mac?: string;
  readonly publish?: readonly string[];
  readonly subnet?: readonly string[];
  readonly bridge?: string;
  readonly rate?: string;
  readonly "data-dir"?: string;
}

type Json = Readonly<Record<string, unknown>>;

export interface AskedNetwork {
  readonly ifname: string;
  /** As a runtime would send it. */
  readonly configuration: Json;
  /** The file or name in `--network`. */
  readonly which: string | undefined;
  /** The network that the flags describe: remembered by its name once something is attached to it. */
  readonly described: Json | undefined;
}

/** One for each interface, in order. Throws UsageError or Fault; nothing is changed. */
export function askedNetworks(asked: Asked, onSkipped: Parameters<typeof readNetwork>[1]): AskedNetwork[] {
  const { network = [], ifname, ip, mac, publish = [], rate, "data-dir": dataDir } = asked;
  if (network.length > 1) refuseAmbiguous({ ifname, ip, mac });
  const described = describedNetwork(asked);
  const [mappings, limit] = [parsePublished(publish), rate === undefined ? undefined : limitOf(parseRate(rate))];
  return (network.length === 0 ? [undefined] : network).map((which, i) => {
    const base = described ?? readNetwork(which, onSkipped, dataDir);
    const ports = i === 0 && mappings.length > 0 ? { portMappings: [...portsOf(base), ...mappings] } : {};
    return {
      ifname: ifname ?? `eth${i}`,
      configuration: {
        ...asRuntimeSends({ ...base, ...ports, ...(limit && { bandwidth: limit }) }),
        ...(dataDir && { dataDir }),
      },
      which,
      described,
    };
  });
}

function refuseAmbiguous(options: { readonly [K in "ifname" | "ip" | "mac"]: Asked[K] | undefined }): void {
  const given = Object.entries(options).find(([, value]) => value !== undefined);
  if (given)
    throw new UsageError(`--${given[0]} is for one interface, and there are several --network: add them one by one`);
}

const portsOf = ({ portMappings }: Json): readonly unknown[] => (Array.isArray(portMappings) ? portMappings : []);

function limitOf(rate: number) {
  const burst = burstOf(rate);
  return { ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst };
}

/**
 * The network of `--subnet` and `--bridge`, undefined without these. Its name follows from them, so that the same flags
 * mean the same network, and `--network NAME` means it later.
 */
function describedNetwork({
  subnet = [],
  bridge,
  network,
  "data-dir": dataDir = defaultDataDir,
}: Asked): Json | undefined {
  if (subnet.length === 0 && bridge === undefined) return undefined;
  if (network?.length)
    throw new UsageError("--subnet and --bridge describe a network, and --network names one: give either");
  const subnets = subnet.flatMap((words) => words.split(",")).map(subnetOf);
  const texts = subnets.map(formatCidr);
  const name = bridge ?? `subnet-${texts.join("-").replace(/[/:]/g, "-")}`;
  const known = remembered(name, dataDir)?.configuration;
  if (known && (texts.length === 0 || rangesText(known) === texts.join(", "))) return known;
  if (known)
    throw new Fault(
      code.config,
      `Cannot use --subnet = ${texts.join(", ")}: the network ${name} has ${rangesText(known) || "another one"}`,
      `Leave --subnet out, or name another bridge`,
    );
  const own = bridge ?? `nsnet${new Bun.CryptoHasher("sha256").update(name).digest("hex").slice(0, 8)}`;
  refuseOverlaps(subnets, own);
  return {
    ...{ cniVersion: "1.1.0", name, type: "ns-net", bridge: own, isDefaultGateway: true, ipMasq: true },
    ...(texts.length > 0 && { ranges: texts.map((one) => [{ subnet: one }]) }),
  };
}

function subnetOf(text: string): Cidr {
  const cidr = parseCidr(text.trim());
  if (cidr === undefined)
    throw new UsageError(`--subnet ${JSON.stringify(text)}: give a subnet as 10.7.0.0/24 or fd00:7::/64`);
  const network = networkOf(cidr);
  if (network.value === cidr.value) return cidr;
  throw new UsageError(`--subnet ${text} is an address in a subnet: give ${formatCidr(network)}`);
}

/** The subnets in a configuration that flags described. */
function rangesText({ ranges }: Json): string {
  return ((ranges ?? []) as { subnet: string }[][]).map(([range]) => range?.subnet).join(", ");
}

/** A file may overlap a route on purpose. A person who types a subnet wants one that works. */
function refuseOverlaps(subnets: readonly Cidr[], bridge: string): void {
  using kernel = openKernel();
  for (const { destination, link } of routesOfLinks(kernel)) {
    const subnet = subnets.find((one) => overlaps(one, destination));
    if (subnet === undefined || link === bridge) continue;
    throw new Fault(
      code.config,
      `Cannot use --subnet = ${formatCidr(subnet)}: the host has a route of ${formatCidr(destination)} to ${link}`,
      "Choose another subnet, or leave --subnet out, which chooses a free one; a file given to --network may overlap routes",
    );
  }
}
