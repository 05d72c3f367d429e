/** What the kernel has of the ports that a step publishes: its own elements, those of the container's other attachments, those of others. */

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
  /** The host's interface towards the container, when what returns by it is to be masqueraded. */
  readonly hairpin?: string | undefined;
}

export type PortsKey = Pick<PortsStep, "attachment"> & Partial<PortsStep>;

export type Wanted = Pick<PortsStep, "mappings" | "hairpin">;

export function placed({ mappings, hairpin }: Wanted): Placed[] {
  return [...mappings.map(translationOf), ...hairpinsOf(mappings, hairpin)];
}

export interface Sorted {
  /** What is there of this attachment, or of one that is gone. */
  readonly removed: readonly InSet[];
  /** Keys of the ports that another attachment of the container has. */
  readonly taken: ReadonlySet<string>;
}

/**
 * The store gave us the port, so what stands in the kernel is of another attachment of the container, or of one that is
 * gone; a link that stands says otherwise. Throws Fault.
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

/** Of the same container by another interface or network. */
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
    `Delete that attachment, or take its port away with: nft delete element inet ${nftTable} ${one.set} '{ ${protocol} . ${hostPort} }'`,
  );
}

export const isThere = (kernel: Kernel) =>
  isTableThere(kernel) && getChain(kernel.netfilter, table, portsChain) !== undefined;
