/** The one step in the journal of an attachment that the reference's plugins made; plugin/step/adopted.ts undoes it. */
import type { Attachment } from "../../conf/attachment.ts";

export interface AdoptedStep {
  readonly kind: "adopted";
  readonly attachment: Attachment;
  /** Without prefix length. */
  readonly addresses: readonly string[];
  /** host-local's reservations. */
  readonly files: readonly string[];
}

/** Undefined for an attachment that is all ours. */
export function adoptedStep(entry: { readonly steps?: readonly unknown[] } | undefined): AdoptedStep | undefined {
  const first = entry?.steps?.[0] as Partial<AdoptedStep> | undefined;
  return first?.kind === "adopted" ? (first as AdoptedStep) : undefined;
}
