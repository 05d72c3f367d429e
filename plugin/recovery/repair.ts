/**
 * Repairs: rebuilds a lost or broken store from the kernel, compares each attachment with the steps that were committed,
 * and repairs the differences, the rules of nf_tables in a few batches.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attachment } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { identityIn, openIfSame } from "../../kernel/namespace.ts";
import { allExpected } from "../../step/expected.ts";
import { checkStep, isPresent, isRules, repairStep, type Step, subjectOf } from "../../step/index.ts";
import type { Difference } from "../../step/kind.ts";
import type { Entry } from "../../store/entry.ts";
import { setAside } from "../../store/file/setAside.ts";
import { bootId, isInterrupted, openExistingStore, openStore, StoreDamaged } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { committedSteps } from "../removal/entrySteps.ts";
import { rebuild } from "./rebuild.ts";
import { type Failure, type Owned, trying, undoDeparted, writeRules } from "./rulesTogether.ts";

export interface Repaired {
  /** The damage of the store; absent if there was none. */
  readonly damage?: string;
  /** Where the damaged store was moved. */
  readonly aside?: string;
  /** How many attachments existed in the kernel and had no entry. */
  readonly rebuilt: number;
  readonly attachments: readonly RepairedAttachment[];
  /** Attachments whose ADD was interrupted: no runtime knows of them, and GC removes them. */
  readonly unfinished: readonly Attachment[];
  readonly failures: readonly Failure[];
}

interface RepairedAttachment {
  readonly attachment: Attachment;
  readonly found: readonly Difference[];
  /** The differences that repair could not remove. */
  readonly left: readonly Difference[];
  /** The interface is gone, or another one has its name, which is left alone. */
  readonly gone?: true;
}

interface RepairOptions {
  /** Only reports. */
  readonly dryRun?: boolean;
  /** Learns which attachment is compared, and how many are compared already. */
  readonly onProgress?: (done: number, total: number, attachment: Attachment) => void;
}

/** An error with one attachment is among the failures; the others are repaired. */
export function repair(dataDir: string, call: Call, options: RepairOptions = {}): Repaired {
  if (!options.dryRun) return repaired(dataDir, dataDir, call, options);
  const folder = mkdtempSync(join(tmpdir(), "ns-net-dry-run-"));
  try {
    if (existsSync(dataDir)) cpSync(dataDir, folder, { recursive: true });
    const { aside: _, damage, ...rest } = repaired(folder, dataDir, call, options);
    return { ...rest, ...(damage !== undefined && { damage: damage.replaceAll(folder, dataDir) }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With `dryRun` the store is a copy in `folder`, and the kernel is left alone. */
function repaired(folder: string, dataDir: string, call: Call, options: RepairOptions): Repaired {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  const { store, ...found } = repairStore(folder, (draft) => rebuild(draft, kernel, { dataDir }));
  const failures: Failure[] = [];
  const attachments = repairAttachments(store, kernel, failures, options);
  const unfinished = store.entries().filter((entry) => entry.state === "adding" && isInterrupted(entry));
  store.close();
  return { ...found, attachments, unfinished: unfinished.map(({ attachment }) => attachment), failures };
}

type Opened = Omit<Repaired, "attachments" | "unfinished" | "failures"> & { readonly store: Store };

function repairStore(folder: string, fill: (draft: Store) => number): Opened {
  const { store, damage } = opened(folder);
  if (store !== undefined && damage === undefined) return { store, rebuilt: fill(store) };
  store?.close();
  const broken = damage === undefined ? {} : { damage, aside: setAside(folder) };
  let rebuilt = 0;
  const made = openStore(folder, undefined, (draft) => {
    rebuilt = fill(draft);
  });
  return { store: made, ...broken, rebuilt };
}

/** Answers neither if there is no store. Throws if it is locked, full or newer: that is not damage. */
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

/** Opens sockets for each attachment, so that nothing is cached from before its repair. */
function repairAttachments(
  store: Store,
  kernel: Kernel,
  failures: Failure[],
  { dryRun = false, onProgress }: RepairOptions,
): RepairedAttachment[] {
  const boot = bootId();
  const rules = new Map<string, Owned>();
  const found = new Map<Entry, Looked>();
  const all = store.entries().filter(({ state, bootId }) => state === "attached" && bootId === boot);
  // The later one counts of two attachments that decide on the same thing.
  const decided = new Map(
    all.flatMap((entry) => stepsOf(entry, store).map((step) => [subjectOf(step), JSON.stringify(step)])),
  );
  const counts = (step: Step) => decided.get(subjectOf(step)) === JSON.stringify(step);
  const meant = (entry: Entry) => stepsOf(entry, store).filter(counts);
  const work: Work = { rules, failures, dryRun };
  for (const [i, entry] of all.entries()) {
    const { attachment } = entry;
    onProgress?.(i, all.length, attachment);
    trying(attachment, failures, () =>
      found.set(
        entry,
        inContainer(entry, kernel, (own) => repairAll(attachment, meant(entry), own, work)),
      ),
    );
  }
  writeRules(rules, failures, kernel);
  undoDeparted(rules, failures, store, kernel);
  return [...found].flatMap(([entry, looked]) => {
    const { attachment } = entry;
    const { differences = [], isGone } = looked ?? {};
    if (differences.length === 0) return [];
    if (isGone) return [{ attachment, found: differences, left: differences, gone: true as const }];
    let left = differences;
    if (!dryRun)
      trying(attachment, failures, () => {
        left = inContainer(entry, kernel, (own) => meant(entry).flatMap((step) => checkStep(step, own))) ?? [];
      });
    return [{ attachment, found: differences, left }];
  });
}

/** The comparison of an attachment; undefined if its namespace is gone. */
type Looked = { readonly differences: readonly Difference[]; readonly isGone: boolean } | undefined;

interface Work {
  readonly rules: Map<string, Owned>;
  readonly failures: Failure[];
  readonly dryRun: boolean;
}

function repairAll(attachment: Attachment, steps: readonly Step[], kernel: Kernel, work: Work): Looked {
  // If the interface is gone, one that has its name now is not ours.
  const isGone = !steps.every((step) => isPresent(step, kernel));
  const differences = steps.flatMap((step) => {
    const differences = checkStep(step, kernel);
    if (differences.length === 0 || work.dryRun || isGone) return differences;
    if (isRules(step)) work.rules.set(subjectOf(step), { step, attachment });
    else trying(attachment, work.failures, () => repairStep(step, kernel));
    return differences;
  });
  return { differences, isGone };
}

/** The steps of its own ADD, as chained plugins left them, and the steps of those. */
function stepsOf(entry: Entry, store: Store): readonly Step[] {
  return allExpected(committedSteps(entry, store));
}

/** Undefined if its namespace is gone, or is another one now: gc removes what is left of it. */
function inContainer<T>(entry: Entry, host: Kernel, work: (kernel: Kernel) => T): T | undefined {
  const netns = openIfSame(entry.netnsPath, identityIn(entry));
  if (netns === undefined) return undefined;
  using kernel = host.withContainer(netns);
  return work(kernel);
}
