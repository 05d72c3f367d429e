/**
 * The network that `--subnet` and `--bridge` describe. Its name follows from them, so that the same flags mean the same
 * network, and `--network NAME` means it later. It is written down before the first attachment, so that of two calls at
 * the same time with other subnets for one bridge one is refused.
 */
import { code, Fault } from "../../conf/fault.ts";
import { interfaceName, networkName } from "../../conf/nameRules.ts";
import { subnetsOf } from "../../explain/networks/configured.ts";
import type { Network } from "../../explain/networks/everyNetwork.ts";
import { type Cidr, formatCidr, isLinkLocal, overlaps, parseCidr } from "../../ip/address.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { isOurGroup } from "../../kernel/ownership.ts";
import { routesOfLinks } from "../../kernel/routes.ts";
import { openExisting, openOrCreate } from "../../plugin/recovery/openStore.ts";
import type { Store } from "../../store/store.ts";
import { toStderr } from "../callByHand.ts";
import { UsageError } from "../command.ts";
import { configurationFolder, defaultNetwork } from "../network.ts";
import { hashedBridge, parseSubnets, refusedValue } from "../networks/flags.ts";
import { knownIn } from "../networks/known.ts";
import { forget, isClaimed, remember, remembered } from "../remembered.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Description {
  readonly name: string;
  readonly bridge: string;
  /** None: those that the network has, or a free one. */
  readonly subnets: readonly Cidr[];
}

/** Undefined without any of the flags. A bridge's name is also that of the network. Throws UsageError. */
export function descriptionOf(subnet: readonly string[], bridge: string | undefined): Description | undefined {
  if (subnet.length === 0 && bridge === undefined) return undefined;
  if (bridge !== undefined && !(networkName.allows(bridge) && interfaceName.allows(bridge)))
    throw new UsageError(
      `--bridge ${JSON.stringify(bridge)}: give a name of 1 to 15 letters, digits, "_", "." or "-" that begins with a letter or digit`,
    );
  const subnets = parseSubnets(subnet);
  const name = bridge ?? `subnet-${textOf(subnets).replace(/[/:]/g, "-").replaceAll(", ", "-")}`;
  return { name, bridge: bridge ?? hashedBridge(name), subnets };
}

const textOf = (subnets: readonly Cidr[]) => subnets.map(formatCidr).join(", ");

/** The network's configuration. Changes nothing. Throws Fault if another network or the host is in the way. */
export function describedNetwork(wanted: Description, dataDir: string): Json {
  using kernel = openKernel({ stderr: toStderr });
  using store = openExisting({ dataDir }, kernel);
  const look = () => decided(wanted, { dataDir, store, kernel });
  // Not while another process writes the network down and then makes its bridge.
  return store ? store.exclusively(look) : look();
}

/** Writes the network down for this process. Throws Fault if it is no longer possible as `configuration` says. */
export function claimDescribed(wanted: Description, configuration: Json, dataDir: string): void {
  using kernel = openKernel({ stderr: toStderr });
  using store = openOrCreate({ dataDir, network: wanted.name }, kernel);
  store.exclusively(() => {
    const now = decided(wanted, { dataDir, store, kernel });
    if (JSON.stringify(now) !== JSON.stringify(configuration))
      throw new Fault(code.tryAgain, `The network ${wanted.name} was changed meanwhile`, "Try again");
    // The last of several calls with the same flags has the claim, so that the failure of an earlier one forgets nothing.
    if (!isUsed(wanted.name, store)) remember("", configuration, dataDir, { isClaim: true });
  });
}

/** Forgets the network that this process wrote down, if nothing is attached to it: the call has failed. */
export function forgetUnused(name: string, dataDir: string): void {
  using kernel = openKernel({ stderr: toStderr });
  using store = openExisting({ dataDir }, kernel);
  store?.exclusively(() => {
    if (!isUsed(name, store) && remembered(name, dataDir)?.claim?.pid === process.pid) forget(name, dataDir);
  });
}

const isUsed = (name: string, store: Store | undefined) => (store?.entries(name).length ?? 0) > 0;

interface Place {
  readonly dataDir: string;
  readonly store: Store | undefined;
  readonly kernel: Kernel;
}

function decided(wanted: Description, place: Place): Json {
  const { name, bridge, subnets } = wanted;
  const { dataDir, store } = place;
  // The bridge is read first: an add writes the network down before it makes the bridge.
  const link = existing(bridge, place.kernel);
  const kept = remembered(name, dataDir);
  const own = kept?.path === "" ? kept : undefined;
  const has = own === undefined ? [] : subnetsIn(own.configuration, store?.memory(name)?.subnets);
  const isSame = own !== undefined && (subnets.length === 0 || has.join(", ") === textOf(subnets));
  if (own && (isUsed(name, store) || isClaimed(own))) {
    if (isSame) return own.configuration;
    const said = `the network ${name} has ${has.join(", ") || "another one"}`;
    throw refusedValue("--subnet", textOf(subnets), said, "Leave --subnet out to join it, or name another bridge");
  }
  const all = isSame ? has.map((text) => parseCidr(text)!) : subnets;
  refuseTaken({ ...wanted, subnets: all }, place);
  const left = link?.addresses.find((one) => !all.some((subnet) => overlaps(subnet, one)));
  if (left) throw usedBridge(bridge, left, link!.isOurs);
  if (isSame) return own.configuration;
  return {
    ...{ cniVersion: "1.1.0", name, type: "ns-net", bridge, isDefaultGateway: true, ipMasq: true },
    ...(subnets.length > 0 && { ranges: subnets.map((one) => [{ subnet: formatCidr(one) }]) }),
  };
}

/** The configured subnets, else those that were chosen. */
function subnetsIn(configuration: Json, chosen: readonly string[] = []): readonly string[] {
  const written = subnetsOf({ path: "", configuration });
  return written.length > 0 ? written : chosen;
}

function refuseTaken({ name, bridge, subnets }: Description, { dataDir, store, kernel }: Place): void {
  const { networks } = knownIn(dataDir, store, kernel);
  const isFile = ({ path }: Network) => path.startsWith(`${configurationFolder}/`);
  const same = networks.find((one) => one.name === name && one.path !== "");
  if (same) throw taken("--bridge", bridge, same, `the network ${name} in ${same.path}`);
  if (bridge === defaultNetwork["bridge"])
    throw refusedValue("--bridge", bridge, "the default network has it", "Leave --bridge out, or name another bridge");
  const others = networks.filter((one) => {
    const isBusy = one.attachments > 0 || isFile(one) || isClaimed(remembered(one.name, dataDir));
    return one.name !== name && one.source !== "kernel" && isBusy;
  });
  const sharing = others.find((one) => one.bridge === bridge);
  if (sharing) throw taken("--bridge", bridge, sharing, `the network ${sharing.name}`);
  for (const subnet of subnets) {
    const rival = others.find((one) => one.subnets.some((text) => overlaps(parseCidr(text)!, subnet)));
    if (rival) throw taken("--subnet", formatCidr(subnet), rival, `the network ${rival.name}`);
    const route = routesOfLinks(kernel).find(
      ({ destination, link }) => link !== bridge && overlaps(subnet, destination),
    );
    if (route)
      throw refusedValue(
        "--subnet",
        formatCidr(subnet),
        `the host has a route of ${formatCidr(route.destination)} to ${route.link}`,
        "Choose another subnet, or leave --subnet out, which chooses a free one; a file given to --network may overlap routes",
      );
  }
}

interface Existing {
  readonly addresses: readonly Cidr[];
  readonly isOurs: boolean;
}

/** The link with the bridge's name. */
function existing(bridge: string, kernel: Kernel): Existing | undefined {
  const link = kernel.link("host", bridge);
  if (link === undefined) return undefined;
  const addresses = kernel.addresses("host", bridge).filter((one) => !isLinkLocal(one));
  return { addresses, isOurs: isOurGroup(link.group ?? 0) };
}

/** A bridge may exist. One with addresses of another subnet is in use, or is left of an earlier network. */
function usedBridge(bridge: string, address: Cidr, isOurs: boolean): Fault {
  const text = formatCidr(address);
  return isOurs
    ? refusedValue(
        "--bridge",
        bridge,
        `it is left of an earlier network, with ${text}`,
        "Remove what nothing is attached to with: ns-net gc",
      )
    : refusedValue(
        "--bridge",
        bridge,
        `another program gave it ${text}`,
        "Name another bridge, or describe the network in a file, and give that to --network",
      );
}

const taken = (flag: string, value: string, { name }: Network, owner: string) =>
  refusedValue(flag, value, `${owner} has it`, `Join that network with --network ${name}, or choose another value`);
