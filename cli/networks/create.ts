/** Writes the configuration of a new network: whole and once, although two may try at the same time. */
import { linkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { subnetsOf } from "../../explain/networks/configured.ts";
import type { Network } from "../../explain/networks/everyNetwork.ts";
import { type Cidr, formatCidr, overlaps, parseCidr } from "../../ip/address.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { routesOfLinks } from "../../kernel/routes.ts";
import { openOrCreate } from "../../plugin/recovery/openStore.ts";
import { makeFolder, touching, Undo } from "../install/files.ts";
import { configurationFolder } from "../network.ts";
import { refusedValue } from "./flags.ts";
import { type Known, knownIn } from "./known.ts";

export interface Wanted {
  readonly name: string;
  readonly bridge: string;
  readonly subnets: readonly Cidr[];
  /** The text of the file. */
  readonly text: string;
}

/**
 * A runtime uses the first file of the folder as its default network. A network that a person creates must not become
 * that one, so its file comes late.
 */
const order = 90;

/** Answers the path of the file. Throws Fault, and changes nothing then. */
export function createNetwork(wanted: Wanted, dataDir: string): string {
  using kernel = openKernel();
  using store = openOrCreate({ dataDir, network: wanted.name }, kernel);
  // No other `create` and no ADD works between the look and the writing.
  return store.exclusively(() => {
    refuseTaken(wanted, knownIn(dataDir, store, kernel));
    const path = join(configurationFolder, `${order}-${wanted.name}.conflist`);
    const undo = new Undo();
    makeFolder(configurationFolder, undo);
    try {
      writeOnce(path, wanted.text);
    } catch (error) {
      undo.run();
      throw error;
    }
    return path;
  });
}

/** Written beside, then given its name: a file of that name is never replaced, and never read half. */
function writeOnce(path: string, text: string): void {
  const beside = join(configurationFolder, `.ns-net-${process.pid}.tmp`);
  const isTaken = touching(`write ${path}`, "Run it as root", () => {
    try {
      writeFileSync(beside, text, { mode: 0o644 });
      linkSync(beside, path);
      return false;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return true;
    } finally {
      rmSync(beside, { force: true });
    }
  });
  if (!isTaken) return;
  throw new Fault(
    code.config,
    `Cannot write ${path}: there is a file of that name`,
    "Choose another name, or move the file away",
  );
}

function refuseTaken({ name, bridge, subnets }: Wanted, known: Known): void {
  const { networks, configured, kernel } = known;
  const same = networks.find((one) => one.name === name && one.source !== "kernel");
  if (same)
    throw refusedValue(
      "the name",
      name,
      `there is such a network, from ${same.path || same.source}`,
      `Choose another name, or remove it: ns-net network rm ${name}`,
    );
  const sharing = networks.find((one) => one.bridge === bridge && one.source !== "kernel");
  if (sharing)
    throw refusedValue("--bridge", bridge, `${describe(sharing)} has it`, "Name another bridge, or leave --bridge out");
  if (kernel.link("host", bridge))
    throw refusedValue(
      "--bridge",
      bridge,
      "there is a link of that name",
      "Name another bridge, or leave --bridge out",
    );
  for (const subnet of subnets) refuseOverlap(subnet, known);
  // A list may have a subnet for a bridge that the kernel does not have yet.
  for (const one of configured) {
    const clash = overlapOf(subnets, subnetsOf(one));
    if (clash) throw overlap(clash.subnet, `the network ${String(one.configuration["name"])} has ${clash.text}`);
  }
}

function refuseOverlap(subnet: Cidr, { networks, kernel }: Known): void {
  for (const one of networks) {
    const clash = overlapOf([subnet], one.subnets);
    if (clash) throw overlap(subnet, `${describe(one)} has ${clash.text}`);
  }
  const route = routesOfLinks(kernel).find(({ destination }) => overlaps(destination, subnet));
  if (route) throw overlap(subnet, `the host has a route of ${formatCidr(route.destination)} to ${route.link}`);
}

function overlapOf(subnets: readonly Cidr[], texts: readonly string[]) {
  for (const text of texts) {
    const other = parseCidr(text);
    const subnet = other && subnets.find((one) => overlaps(one, other));
    if (subnet) return { subnet, text };
  }
  return undefined;
}

const describe = ({ name, source }: Network) => (source === "kernel" ? `the bridge ${name}` : `the network ${name}`);

const overlap = (subnet: Cidr, why: string) =>
  refusedValue(
    "--subnet",
    formatCidr(subnet),
    why,
    "Choose another subnet, or leave --subnet out: then a free one is chosen at the first use",
  );
