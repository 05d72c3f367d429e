/**
 * What an attachment is, as a list of steps. Pure: the kernel was read before, in `facts`, and is written after, by
 * `commit`. Every verb is a reading of this list. Each type of plugin that makes an interface has its own: see type/.
 */

import { type Attachment, attachmentText } from "../conf/attachment.ts";
import type { NetworkConfig, Route } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import { isInside } from "../conf/pluginType.ts";
import type { ResultInterface } from "../conf/result/result.ts";
import type { Lease } from "../ipam/ipam.ts";
import { hostLinkName } from "../kernel/ownership.ts";
import type { Facts } from "../plugin/attach/facts.ts";
import type { Removal, Step } from "../step/index.ts";
import defer * as featurePlan from "./features.ts";
import { linkType } from "./types.ts";

export interface PlanInput {
  readonly attachment: Attachment;
  /** Path of the container's namespace, for printing. */
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

/** The steps of ADD, in order. Throws Fault (code.config) for what the host as it is cannot bear. */
export function plan(input: PlanInput): Plan {
  const { type, features } = input.config;
  const made = settling(linkType(type).plan(input), input);
  if (features === undefined || isInside(type)) return made;
  return featurePlan.withFeatures(made, features, input);
}

/** With duplicate detection the container's IPv6 addresses can be used when it is over. */
function settling(made: Plan, { attachment, config, lease, netns }: PlanInput): Plan {
  if (!config.enabledad || config.disableContainerInterface) return made;
  if (!lease.addresses.some(({ address }) => address.includes(":"))) return made;
  return { ...made, steps: [...made.steps, { kind: "settled", link: attachment.ifname, netns }] };
}

/**
 * What DEL removes: derived from the attachment's name, so that neither a lease nor a namespace nor a configuration is
 * needed, and what it has beside its link. The link comes last: while the kernel waits for those who may still use it,
 * it frees the rules. It waits 20 ms for each request that deletes links, and once for two links in one. `whenAbsent` is
 * called where the host has no such link.
 */
export function removals(attachment: Attachment, traces: readonly Removal[], whenAbsent?: () => void): Removal[] {
  const removed: Removal[] = [];
  let beside: string | undefined;
  for (const trace of traces) {
    if (trace.kind === "shaping" && (trace.host === undefined || trace.egress)) beside = trace.ifb;
    else removed.push(trace);
  }
  const { network } = attachment;
  const host = hostLinkName(attachment);
  removed.push({ kind: "veth", host, ...(beside && { beside: { link: beside, network } }), whenAbsent });
  return removed;
}

/** Refuses, before anything is touched, what would fail half-way. Throws Fault. */
export function refuseImpossible(attachment: Attachment, config: NetworkConfig, facts: Facts): void {
  if (facts.isIfnameTaken) {
    throw new Fault(
      code.environment,
      `Cannot attach ${attachmentText(attachment)}: the container has an interface ${attachment.ifname} already`,
      "Delete the attachment first (CNI DEL, or 'ns-net del'), or ask for another CNI_IFNAME",
    );
  }
  linkType(config.type).refuse?.(config, facts);
  if (facts.bridge && facts.bridge.kind !== "bridge") {
    throw noBridge(config.bridge, facts.bridge.kind);
  }
}

export function noBridge(name: string, kind = "device"): Fault {
  return new Fault(
    code.config,
    `Cannot use bridge = ${JSON.stringify(name)}: the host's link of that name is a ${kind}, no bridge`,
    `bridge must be the name of a bridge, or one that no link has; see: ip -d link show ${name}`,
  );
}
