/** The one step in the entry of an attachment that the reference's plugins made; step/adopted.ts undoes it. */
import type { Attachment } from "../../conf/attachment.ts";

export interface AdoptedStep {
  readonly kind: "adopted";
  readonly attachment: Attachment;
  /** Without prefix length. */
  readonly addresses: readonly string[];
  /** host-local's reservations. */
  readonly files: readonly string[];
}

/** False also for one whose lease alone is ours, and whose link another plugin made. */
export function isAllOurs(entry: WithSteps | undefined): boolean {
  return entry?.steps !== undefined && adoptedStep(entry) === undefined;
}

interface WithSteps {
  readonly steps?: readonly unknown[];
}

/** Undefined for an attachment that no other plugin made. */
export function adoptedStep(entry: WithSteps | undefined): AdoptedStep | undefined {
  const first = entry?.steps?.[0] as Partial<AdoptedStep> | undefined;
  return first?.kind === "adopted" ? (first as AdoptedStep) : undefined;
}
