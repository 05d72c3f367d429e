/** Existing elements of the ports that a step publishes: its own, those of the container's other attachments, those of others. */

import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable, ownerInMark, ownerMark } from "../../kernel/ownership.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { table } from "../nft/table.ts";
import {
  hairpinsOf,
  type InSet,
  isTableThere,
  isTranslation,
  keyText,
  mappingIn,
  type Placed,
  presentElements,
  type TargetedMapping,
  translationOf,
  waitingElements,
} from "./elements.ts";
import { portsChain } from "./sets.ts";

export interface PortsStep {
  readonly kind: "ports";
  readonly attachment: Attachment;
  readonly mappings: readonly TargetedMapping[];
  /** The host's interface towards the container, if connections that return by it are to be masqueraded. */
  readonly hairpin?: string | undefined;
}

export type PortsKey = Pick<PortsStep, "attachment"> & Partial<PortsStep>;

export type Wanted = Pick<PortsStep, "mappings" | "hairpin">;

export function placed({ mappings, hairpin }: Wanted): Placed[] {
  return [...mappings.map(translationOf), ...hairpinsOf(mappings, hairpin)];
}

export interface Sorted {
  /** Elements of this attachment, or of one that is gone. */
  readonly removed: readonly InSet[];
  /** Keys of the ports that another attachment of the container has. */
  readonly taken: ReadonlySet<string>;
}

/**
 * The store gave us the ports, so an existing element belongs to another attachment of the container, or is a leftover.
 * Throws Fault if it belongs to another container whose link exists.
 */
export function sorted(step: PortsStep, kernel: Kernel): Sorted {
  const removed = waitingElements(kernel).filter(({ comment }) => comment === ownerMark(step.attachment));
  const taken = new Set<string>();
  for (const one of presentElements(placed(step), kernel)) {
    if (isTranslation(one) && isBeside(one, step.attachment)) taken.add(keyText(one.set, one.key));
    else {
      refuseOther(one, step.attachment, kernel);
      removed.push(one);
    }
  }
  return { removed, taken };
}

/** True for an element of the same container's attachment by another interface or network. */
export function isBeside({ comment = "" }: InSet, attachment: Attachment): boolean {
  const mark = ownerMark(attachment);
  return comment !== mark && ownerInMark(comment).container === ownerInMark(mark).container;
}

export function refuseOther(one: InSet, attachment: Attachment, kernel: Kernel): void {
  const [link = ""] = (one.comment ?? "").split(" ");
  if (one.comment === ownerMark(attachment) || !isTranslation(one) || !kernel.link("host", link)) return;
  const { protocol, hostPort } = mappingIn(one);
  throw new Fault(
    code.tryAgain,
    `Cannot publish port ${hostPort}/${protocol} for ${attachmentText(attachment)}: it is published for ${one.comment}`,
    `Delete that attachment, or remove its port with: nft delete element inet ${nftTable} ${one.set} '{ ${protocol} . ${hostPort} }'`,
  );
}

export const isThere = (kernel: Kernel) =>
  isTableThere(kernel) && getChain(kernel.netfilter, table, portsChain) !== undefined;
