/**
 * An attachment as a list of steps. Pure: plugin/attach/facts/ reads the kernel before, and `commit` writes it after.
 * Every verb is a reading of this list.
 */

import type { Attachment } from "../conf/attachment.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import type { Result, ResultInterface, Route } from "../conf/result/result.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { Step } from "../step/index.ts";
import type { PortClaim } from "../store/entry.ts";
import type { Facts } from "./facts.ts";

/** An ADD of any type of plugin: what it does and what it answers. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly result: Result;
  /** Hardware address of the container's interface, if the plugin makes one. */
  readonly mac?: string | undefined;
  /** The host's interface by which the container is reached; undefined if it is not reached through the host. */
  readonly through?: string | undefined;
  /** Ports that a chained plugin claims in the store. */
  readonly ports?: PortClaim | undefined;
}

/** The input of an interface type. */
export interface PlanInput {
  readonly attachment: Attachment;
  /** Path of the container's namespace: the sandbox in the result. */
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly lease: Lease;
  readonly facts: Facts;
}

export interface InterfacePlan {
  readonly steps: readonly Step[];
  /** Hardware address of the container's interface. */
  readonly mac: string;
  /** In the order of the reference. The addresses belong to the last one that is in a container. */
  readonly interfaces: readonly ResultInterface[];
  readonly routes: readonly Route[];
  /** See Plan. */
  readonly through?: string;
}

/** The index of the container's interface; that of the host's end of a veth is one less. */
export function innerIndex(interfaces: readonly ResultInterface[]): number {
  let index = interfaces.length - 1;
  while (index > 0 && interfaces[index]!.sandbox === undefined) index--;
  return index;
}

/** Makes an interface in the container: has an entry in the store, and addresses of an IPAM. */
export interface InterfaceType {
  plan(input: PlanInput): InterfacePlan;
  /** Throws Fault for what this host cannot do, before a lease is acquired. */
  refuse?(config: NetworkConfig, facts: Facts): void;
}
