/** The networks that a command finds, with what it needs to look further. */
import { code, Fault } from "../../conf/fault.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { nearest } from "../../conf/nearest.ts";
import type { Configured } from "../../explain/networks/configured.ts";
import { everyNetwork, type Network } from "../../explain/networks/everyNetwork.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import type { Store } from "../../store/store.ts";
import { openedStore } from "../attachments.ts";
import { defaultNetwork, everyConfiguration } from "../network.ts";

export interface Known {
  readonly networks: readonly Network[];
  readonly configured: readonly Configured[];
  readonly store: Store | undefined;
  readonly kernel: Kernel;
}

/** Runs `work` with the networks known now. */
export function withNetworks<T>(dataDir = defaultDataDir, work: (known: Known) => T): T {
  using kernel = openKernel();
  using store = openedStore(dataDir);
  return work(knownIn(dataDir, store, kernel));
}

export function knownIn(dataDir: string, store: Store | undefined, kernel: Kernel): Known {
  const configured = everyConfiguration(dataDir);
  // The built-in network exists once something was attached to it.
  const name = String(defaultNetwork["name"]);
  const isUsed = store?.networks().includes(name) === true;
  const all = isUsed ? [...configured, { path: "", configuration: defaultNetwork }] : configured;
  return { networks: everyNetwork(all, store, kernel), configured: all, store, kernel };
}

/** The network of a name. Throws Fault with a near name. */
export function networkNamed(name: string, { networks }: Known): Network {
  const found = networks.find((one) => one.name === name);
  if (found) return found;
  const names = networks.map((one) => one.name);
  const meant = nearest(name, names);
  const others = names.length === 0 ? "Create it with: ns-net network create" : `There is: ${names.join(", ")}`;
  throw new Fault(
    code.config,
    `There is no network ${JSON.stringify(name)}`,
    meant === undefined ? others : `Did you mean ${meant}?`,
  );
}
