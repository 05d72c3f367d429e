/**
 * Repair: a store that was lost or broken is made anew from the links that stand, and what the journal says was
 * committed is compared with the kernel and put right, all rules of nf_tables in one batch.
 */
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { setAside } from "../ipam/store/aside.ts";
import { bootId, type Entry, openExistingStore, openStore, type Store, StoreDamaged } from "../ipam/store.ts";
import type { Message } from "../netlink/message.ts";
import { closeNetns, isSameNetns, type Netns } from "../netlink/netns.ts";
import { throwTogether } from "./failure.ts";
import { Kernel } from "./kernel.ts";
import { openContainerNetns } from "./namespace.ts";
import { rebuild } from "./rebuild.ts";
import { checkStep, mendStep, type Step, settleStep } from "./step/index.ts";
import type { Difference } from "./step/step.ts";

export interface Repaired {
  /** What was wrong with the store; absent when nothing was. */
  readonly damage?: string;
  /** Where the broken store is now. */
  readonly aside?: string;
  /** Attachments that stand in the kernel and had no entry. */
  readonly rebuilt: number;
  readonly attachments: readonly Mended[];
}

export interface Mended {
  readonly attachment: Attachment;
  readonly found: readonly Difference[];
  /** What is still not as it should be. */
  readonly left: readonly Difference[];
}

/** With `dryRun`, only tells. Throws Fault with every error there was, after all else is done. */
export function repair(dataDir: string, dryRun = false): Repaired {
  const kernel = new Kernel();
  try {
    const { store, ...repaired } = repairStore(dataDir, kernel, dryRun);
    const attachments = store === undefined ? [] : repairAttachments(store, kernel, dryRun);
    store?.close();
    return { ...repaired, attachments };
  } finally {
    kernel.close();
  }
}

type Opened = Omit<Repaired, "attachments"> & { readonly store: Store | undefined };

function repairStore(dataDir: string, kernel: Kernel, dryRun: boolean): Opened {
  const { store, damage } = opened(dataDir);
  if (store !== undefined && damage === undefined) return { store, rebuilt: dryRun ? 0 : rebuild(store, kernel) };
  store?.close();
  const told = damage === undefined ? {} : { damage };
  if (dryRun) return { store: undefined, ...told, rebuilt: 0 };
  const aside = damage === undefined ? {} : { aside: setAside(dataDir) };
  let rebuilt = 0;
  const made = openStore(dataDir, undefined, (draft) => {
    rebuilt = rebuild(draft, kernel);
  });
  return { store: made, ...told, ...aside, rebuilt };
}

/** Neither when there is none. A store that is held, full or of a newer version is not broken: that is thrown. */
function opened(dataDir: string): { readonly store?: Store; readonly damage?: string } {
  try {
    const store = openExistingStore(dataDir);
    if (store === undefined) return {};
    const damage = store.damage();
    return { store, ...(damage !== undefined && { damage }) };
  } catch (error) {
    if (error instanceof StoreDamaged) return { damage: error.message };
    throw error;
  }
}

/** Each with sockets of its own, so that nothing is remembered from before it was put right. */
function repairAttachments(store: Store, kernel: Kernel, dryRun: boolean): Mended[] {
  const boot = bootId();
  const rules = new Map<string, readonly Message[]>();
  const errors: Error[] = [];
  const found = new Map<Entry, readonly Difference[]>();
  for (const entry of store.entries()) {
    if (entry.state !== "attached" || entry.bootId !== boot) continue;
    found.set(
      entry,
      withKernel(entry, (own) => mendAll(stepsOf(entry, store), own, { rules, errors, dryRun })),
    );
  }
  if (rules.size > 0) {
    kernel.batch([...rules.values()].flat());
    for (const text of rules.keys()) settleStep(JSON.parse(text), kernel);
  }
  throwTogether(errors);
  return [...found].flatMap(([entry, differences]) => {
    if (differences.length === 0) return [];
    const left = dryRun
      ? differences
      : withKernel(entry, (own) => stepsOf(entry, store).flatMap((step) => checkStep(step, own)));
    return [{ attachment: entry.attachment, found: differences, left }];
  });
}

interface Work {
  /** By the step they are of: many attachments share them. */
  readonly rules: Map<string, readonly Message[]>;
  readonly errors: Error[];
  readonly dryRun: boolean;
}

function mendAll(steps: readonly Step[], kernel: Kernel, { rules, errors, dryRun }: Work): Difference[] {
  return steps.flatMap((step) => {
    const differences = checkStep(step, kernel);
    if (differences.length === 0 || dryRun) return differences;
    try {
      const messages = mendStep(step, kernel);
      if (messages.length > 0) rules.set(JSON.stringify(step), messages);
    } catch (error) {
      errors.push(error as Error);
    }
    return differences;
  });
}

/** What its own ADD did, and then the plugins after it. */
function stepsOf({ attachment, steps = [] }: Entry, store: Store): readonly Step[] {
  return [...steps, ...store.chainedSteps(attachment).flat()] as readonly Step[];
}

/** A namespace that is gone, or another by now, is no fault to repair: gc removes what is left of it. */
function withKernel(entry: Entry, work: (kernel: Kernel) => readonly Difference[]): readonly Difference[] {
  const netns = openedNetns(entry);
  if (netns === undefined) return [];
  const kernel = new Kernel(netns);
  try {
    return work(kernel);
  } finally {
    kernel.close();
    closeNetns(netns);
  }
}

function openedNetns({ netnsPath, netnsDevice: device, netnsInode: inode }: Entry): Netns | undefined {
  let netns: Netns;
  try {
    netns = openContainerNetns(netnsPath, true);
  } catch {
    return undefined;
  }
  if (isSameNetns(netns, { device, inode })) return netns;
  closeNetns(netns);
  return undefined;
}

/** A line or two an attachment, for a person. */
export function repairText({ damage, aside, rebuilt, attachments }: Repaired, dryRun: boolean): string {
  const lines: string[] = [];
  if (damage !== undefined) lines.push(`The store was broken: ${damage}`);
  if (aside !== undefined) lines.push(`It is now ${aside}`);
  if (rebuilt > 0) lines.push(`${rebuilt} attachments were entered anew, as the kernel has them`);
  for (const { attachment, found, left } of attachments) {
    const verb = dryRun ? "would put right" : left.length === 0 ? "put right" : "could not put right all of";
    lines.push(`${verb} ${attachmentText(attachment)}:`);
    for (const { what, expected, found: had } of left.length > 0 ? left : found)
      lines.push(`  ${what}: expected ${expected}, found ${had}`);
  }
  return lines.length === 0 ? "Nothing to repair.\n" : `${lines.join("\n")}\n`;
}
