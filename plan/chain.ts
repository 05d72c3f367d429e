/** The input and the contract of a chained plugin type. */

import type { Attachment } from "../conf/attachment.ts";
import type { ChainKeys, NetworkConfig } from "../conf/config/config.ts";
import type { Result, ResultAddress, ResultInterface } from "../conf/result/result.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { Step } from "../step/index.ts";
import type { Plan } from "./plan.ts";

/** `F`: what plugin/attach/facts/ reads from the kernel for the type. */
export interface ChainedInput<F> {
  readonly attachment: Attachment;
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly features: ChainKeys;
  /** The result of the plugins before; empty if there was none. */
  readonly prev: Result;
  readonly facts: F;
}

export interface ChainedType<F> {
  /** True if it can be the first plugin of a chain. */
  readonly first?: boolean;
  /** True if a list of plugins may have the type several times, each with its own configuration. */
  readonly several?: true;
  /** False if nothing that it does outlives the container's namespace. */
  readonly remembers?: false;
  /** The link of the container that its DEL takes down. */
  readonly takesDown?: string;
  /** Pure. Throws Fault for what cannot be done. */
  plan(input: ChainedInput<F>): Plan;
  /** Kinds of step whose leftovers its DEL looks for if the store has no record. Absent: its effects end with the namespace or the interface. */
  readonly leftovers?: readonly Step["kind"][];
}

/** The addresses are other plugins'. */
export const noLease: Lease = { addresses: [], routes: [], made: false };

/** The container's addresses in a result: those of its interface, else all. */
export function containerAddresses(ifname: string, prev: Result): string[] {
  const own = addressesOf(ifname, prev);
  return (own.length > 0 ? own : prev.ips).map(({ address }) => address);
}

export function addressesOf(ifname: string, { interfaces, ips }: Result): ResultAddress[] {
  const mine = (one: ResultInterface | undefined) =>
    one === undefined || (one.sandbox !== undefined && one.name === ifname);
  return ips.filter(({ interface: index }) => index === undefined || mine(interfaces[index]));
}
