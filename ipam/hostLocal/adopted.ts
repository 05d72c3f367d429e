/** The only step in the entry of an attachment that the reference's plugins created. step/adopted.ts undoes it. */
import type { Attachment } from "../../conf/attachment.ts";

export interface AdoptedStep {
  readonly kind: "adopted";
  readonly attachment: Attachment;
  /** Without prefix length. */
  readonly addresses: readonly string[];
  /** host-local's reservations. */
  readonly files: readonly string[];
  /** The host's end of the interface is a port of it; absent where the configuration does not say so. */
  readonly bridge?: string | undefined;
}

/** True if another plugin made the interface, with its own lease or one of ours: no rule of ours is for it. */
export function isOfOthers(entry: WithSteps & { readonly state: string }): boolean {
  return adoptedStep(entry) !== undefined || isLeaseOnly(entry);
}

/** True if ns-net created the attachment. False also if only its lease is ours and another plugin created the link. */
export function isAllOurs(entry: WithSteps | undefined): boolean {
  return entry?.steps !== undefined && adoptedStep(entry) === undefined;
}

/** True if ns-net gave the addresses alone, because another plugin called it as its IPAM and made the interface itself. */
export function isLeaseOnly(entry: WithSteps & { readonly state: string }): boolean {
  return entry.state === "attached" && entry.steps === undefined;
}

interface WithSteps {
  readonly steps?: readonly unknown[] | undefined;
}

/** The step; undefined for an attachment that ns-net created. */
export function adoptedStep(entry: WithSteps | undefined): AdoptedStep | undefined {
  const first = entry?.steps?.[0] as Partial<AdoptedStep> | undefined;
  return first?.kind === "adopted" ? (first as AdoptedStep) : undefined;
}
