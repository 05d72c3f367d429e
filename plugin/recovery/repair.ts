/**
 * Repair: a store that was lost or broken is made anew from the links that stand, and what its entry says was
 * committed is compared with the kernel and put right, all rules of nf_tables in one batch.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import type { Message } from "../../netlink/message.ts";
import { allExpected } from "../../step/expected.ts";
import { checkStep, completeStep, isPresent, repairStep, type Step } from "../../step/index.ts";
import { type Difference, differenceText, distinct } from "../../step/kind.ts";
import type { Entry } from "../../store/entry.ts";
import { setAside } from "../../store/file/setAside.ts";
import { bootId, openExistingStore, openStore, StoreDamaged } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { committedSteps } from "../removal/entrySteps.ts";
import { rebuild } from "./rebuild.ts";

export interface Repaired {
  /** What was wrong with the store; absent when nothing was. */
  readonly damage?: string;
  /** Where the broken store is now. */
  readonly aside?: string;
  /** Attachments that stand in the kernel and had no entry. */
  readonly rebuilt: number;
  readonly attachments: readonly RepairedAttachment[];
  readonly failures: readonly Failure[];
}

/** What could not be put right, or not even be looked at, and why. */
export interface Failure {
  readonly attachment: Attachment;
  readonly error: Error;
}

export interface RepairedAttachment {
  readonly attachment: Attachment;
  readonly found: readonly Difference[];
  /** What is still not as it should be. */
  readonly left: readonly Difference[];
  /** The interface is gone, or another one has its name: nothing is done to that. */
  readonly gone?: true;
}

/** With `dryRun`, only tells. What fails with one attachment is answered, and no reason to leave the others. */
export function repair(dataDir: string, dryRun = false): Repaired {
  if (!dryRun) return repaired(dataDir, dataDir, false);
  const folder = mkdtempSync(join(tmpdir(), "ns-net-dry-run-"));
  try {
    if (existsSync(dataDir)) cpSync(dataDir, folder, { recursive: true });
    const { aside: _, damage, ...rest } = repaired(folder, dataDir, true);
    return { ...rest, ...(damage !== undefined && { damage: damage.replaceAll(folder, dataDir) }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `dryRun`: the store is a copy in `folder`, and the kernel is left alone. */
function repaired(folder: string, dataDir: string, dryRun: boolean): Repaired {
  using kernel = openKernel();
  const { store, ...found } = repairStore(folder, (draft) => rebuild(draft, kernel, { dataDir }));
  const failures: Failure[] = [];
  const attachments = repairAttachments(store, kernel, failures, dryRun);
  store.close();
  return { ...found, attachments, failures };
}

type Opened = Omit<Repaired, "attachments" | "failures"> & { readonly store: Store };

function repairStore(folder: string, fill: (draft: Store) => number): Opened {
  const { store, damage } = opened(folder);
  if (store !== undefined && damage === undefined) return { store, rebuilt: fill(store) };
  store?.close();
  const told = damage === undefined ? {} : { damage };
  const aside = damage === undefined ? {} : { aside: setAside(folder) };
  let rebuilt = 0;
  const made = openStore(folder, undefined, (draft) => {
    rebuilt = fill(draft);
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
function repairAttachments(store: Store, kernel: Kernel, failures: Failure[], dryRun: boolean): RepairedAttachment[] {
  const boot = bootId();
  const work: Work = { rules: new Map(), failures, dryRun };
  const found = new Map<Entry, Looked>();
  for (const entry of store.entries()) {
    if (entry.state !== "attached" || entry.bootId !== boot) continue;
    const { attachment } = entry;
    trying(attachment, failures, () =>
      found.set(
        entry,
        inContainer(entry, kernel, (own) => repairAll(attachment, stepsOf(entry, store), own, work)),
      ),
    );
  }
  writeRules(work, kernel);
  return [...found].flatMap(([entry, looked]) => {
    const { attachment } = entry;
    const { differences = [], isGone } = looked ?? {};
    if (differences.length === 0) return [];
    if (isGone) return [{ attachment, found: differences, left: differences, gone: true as const }];
    let left = differences;
    if (!dryRun)
      trying(attachment, failures, () => {
        left = inContainer(entry, kernel, (own) => stepsOf(entry, store).flatMap((step) => checkStep(step, own))) ?? [];
      });
    return [{ attachment, found: differences, left }];
  });
}

/** True when nothing was thrown. */
function trying(attachment: Attachment, failures: Failure[], work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    failures.push({ attachment, error: error as Error });
    return false;
  }
}

interface Rules {
  readonly step: Step;
  /** One of those that want them. */
  readonly attachment: Attachment;
  readonly messages: readonly Message[];
}

interface Work {
  /** By the step they are of: many attachments share them. */
  readonly rules: Map<string, Rules>;
  readonly failures: Failure[];
  readonly dryRun: boolean;
}

/**
 * All in one batch; where the kernel refuses that, each by itself, so that one is not the end of all. Each is asked again,
 * since those before it changed what it met: of two attachments of a container one has a port, and the other waits.
 */
function writeRules({ rules, failures }: Work, kernel: Kernel): void {
  if (rules.size === 0) return;
  let written = [...rules.values()];
  try {
    kernel.batch(written.flatMap(({ messages }) => messages));
  } catch {
    written = written.filter(({ attachment, step }) =>
      trying(attachment, failures, () => kernel.batch(repairStep(step, kernel))),
    );
  }
  for (const { attachment, step } of written) trying(attachment, failures, () => completeStep(step, kernel));
}

/** What is known of an attachment; undefined where its namespace is gone. */
type Looked = { readonly differences: readonly Difference[]; readonly isGone: boolean } | undefined;

function repairAll(attachment: Attachment, steps: readonly Step[], kernel: Kernel, work: Work): Looked {
  // What has the name of an interface that is gone is not ours.
  const isGone = !steps.every((step) => isPresent(step, kernel));
  const differences = steps.flatMap((step) => {
    const differences = checkStep(step, kernel);
    if (differences.length === 0 || work.dryRun || isGone) return differences;
    trying(attachment, work.failures, () => {
      const messages = repairStep(step, kernel);
      if (messages.length > 0) work.rules.set(JSON.stringify(step), { step, attachment, messages });
    });
    return differences;
  });
  return { differences, isGone };
}

/** What its own ADD committed, as chained plugins left it, and then what those did. */
function stepsOf(entry: Entry, store: Store): readonly Step[] {
  return allExpected(committedSteps(entry, store));
}

/** A namespace that is gone, or another by now, is no fault to repair: gc removes what is left of it. */
function inContainer<T>(entry: Entry, host: Kernel, work: (kernel: Kernel) => T): T | undefined {
  const netns = openIfSame(entry.netnsPath, identityIn(entry));
  if (netns === undefined) return undefined;
  using kernel = host.withContainer(netns);
  return work(kernel);
}

/** A line or two an attachment, for a person. */
export function repairText({ damage, aside, rebuilt, attachments }: Repaired, dryRun: boolean): string {
  const lines: string[] = [];
  if (damage !== undefined) lines.push(`The store was broken: ${damage}`);
  if (aside !== undefined) lines.push(`It is now ${aside}`);
  if (rebuilt > 0) {
    const [what, verb] = rebuilt === 1 ? ["1 attachment", "was"] : [`${rebuilt} attachments`, "were"];
    lines.push(`${what} ${dryRun ? "would be" : verb} entered anew, as the kernel has them`);
  }
  for (const { attachment, found, left, gone } of attachments) {
    const verb = dryRun ? "would put right" : left.length === 0 ? "put right" : "could not put right all of";
    if (gone)
      lines.push(`cannot put right ${attachmentText(attachment)}, whose interface is gone: delete and add it again`);
    else lines.push(`${verb} ${attachmentText(attachment)}:`);
    for (const one of distinct(left.length > 0 ? left : found)) lines.push(`  ${differenceText(one)}`);
  }
  return lines.length === 0 ? "Nothing to repair.\n" : `${lines.join("\n")}\n`;
}
