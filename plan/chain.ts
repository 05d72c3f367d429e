/** What a chained plugin type is given, and what it answers. */

import type { Attachment } from "../conf/attachment.ts";
import type { ChainKeys, NetworkConfig } from "../conf/config/config.ts";
import type { Result, ResultAddress, ResultInterface } from "../conf/result/result.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Step } from "../step/index.ts";
import type { PortClaim } from "../store/entry.ts";
import type { Facts } from "./facts.ts";

export interface ChainedInput {
  readonly attachment: Attachment;
  readonly netns: string;
  readonly config: NetworkConfig;
  readonly features: ChainKeys;
  /** What the plugins before said; empty when there was none. */
  readonly prev: Result;
  /** To read from. */
  readonly kernel: Kernel;
  /** What an interface type would plan with. Throws Fault. */
  facts(): Facts;
}

export interface ChainedPlan {
  readonly steps: readonly Step[];
  readonly result: Result;
  readonly ports?: PortClaim;
}

export interface ChainedType {
  /** True when it can be the first of a chain. */
  readonly first?: boolean;
  /** True where an attachment may have several of it, each with a configuration of its own. */
  readonly several?: true;
  /** False when nothing that it does outlives the container's namespace. */
  readonly remembers?: false;
  /** DEL of one that remembers nothing, in a namespace that still is there. */
  leave?(kernel: Kernel): void;
  /** Reads, and says what is to be done. Throws Fault for what cannot be. */
  plan(input: ChainedInput): ChainedPlan;
  /** Kinds of step whose leftovers its DEL looks for when nothing is remembered. Absent: its effects go with the namespace, or with the interface. */
  readonly leftovers?: readonly Step["kind"][];
}

/** The container's addresses in a result: those of its interface, or of none in particular. */
export function containerAddresses(ifname: string, prev: Result): string[] {
  const own = addressesOf(ifname, prev);
  return (own.length > 0 ? own : prev.ips).map(({ address }) => address);
}

export function addressesOf(ifname: string, { interfaces, ips }: Result): ResultAddress[] {
  const mine = (one: ResultInterface | undefined) =>
    one === undefined || (one.sandbox !== undefined && one.name === ifname);
  return ips.filter(({ interface: index }) => index === undefined || mine(interfaces[index]));
}
