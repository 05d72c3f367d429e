/**
 * What an attachment is, as a list of steps. Pure: the kernel was read before, in `facts`, and is written after, by
 * `commit`. Every verb is a reading of this list. Each type of plugin that makes an interface has its own: see type/.
 */

import type { Attachment } from "../conf/attachment.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import type { ResultInterface, Route } from "../conf/result/result.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { Step } from "../step/index.ts";
import type { Facts } from "./facts.ts";

export interface PlanInput {
  readonly attachment: Attachment;
  /** Path of the container's namespace: the sandbox in the result. */
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly lease: Lease;
  readonly facts: Facts;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Hardware address of the container's interface. */
  readonly mac: string;
  /** In the order of the reference; to the last that is in a container the addresses belong. */
  readonly interfaces: readonly ResultInterface[];
  readonly routes: readonly Route[];
  /** The host's interface by which the container is reached; none when it is not reached through the host. */
  readonly through?: string;
}

/** The place of the container's interface; that of the host's end of a veth is the one before. */
export function innerIndex({ interfaces }: Plan): number {
  let index = interfaces.length - 1;
  while (index > 0 && interfaces[index]!.sandbox === undefined) index--;
  return index;
}

/** Makes an interface in the container: has an entry in the store, and addresses of an IPAM. */
export interface InterfaceType {
  plan(input: PlanInput): Plan;
  /** Throws Fault for what the host as it is cannot bear; before a lease is asked for. */
  refuse?(config: NetworkConfig, facts: Facts): void;
}
