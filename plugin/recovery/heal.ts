/**
 * Repairs what attachments have on the host: rules, bridges and their ports, gateways, settings. Each only once. Containers
 * are left alone: what differs there may be the work of a later plugin, or of the container itself.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { allExpected } from "../../step/expected.ts";
import { checkStep, givenBy, hostPart, isRules, repairStep, type Step, subjectOf } from "../../step/index.ts";
import { bootId, openExistingStore } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { committedSteps } from "../removal/entrySteps.ts";
import { type Failure, type Owned, type Rules, stayingIn, trying, undoDeparted, writeRules } from "./rulesTogether.ts";

export interface Healed {
  /** How many steps differed, by their kind. */
  readonly repaired: ReadonlyMap<string, number>;
  /** The rules that were written, by their step as JSON. */
  readonly written: Rules;
  readonly failures: readonly Failure[];
}

export interface HealOptions {
  /** Is asked for a kind of step that differs. */
  readonly mayRepair: (kind: string) => boolean;
  /** Compares rules of nf_tables alone. */
  readonly isRulesOnly: boolean;
}

/** Leaves the store as it is, and does nothing if there is none. Throws Fault if the store cannot be read. */
export function healHost(
  dataDir: string,
  call: Pick<Call, "namespace" | "stderr">,
  { mayRepair, isRulesOnly }: HealOptions,
): Healed {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  using store = openExistingStore(dataDir);
  const failures: Failure[] = [];
  const rules = new Map<string, Owned>();
  const repaired = new Map<string, number>();
  if (!store) return { repaired, written: rules, failures };
  const count = ({ kind }: Step) => repaired.set(kind, (repaired.get(kind) ?? 0) + 1);
  for (const [key, { step, attachment }] of isRulesOnly ? ruleSteps(store) : hostSteps(store, kernel)) {
    trying(attachment, failures, () => {
      if (checkStep(step, kernel).length === 0 || !mayRepair(step.kind)) return;
      if (isRules(step)) {
        rules.set(key, { step, attachment });
        return;
      }
      count(step);
      repairStep(step, kernel);
      kernel.forgetAll();
    });
  }
  if (rules.size > 0) {
    Bun.sleepSync(leavingMs);
    const isStaying = stayingIn(store);
    for (const [key, { step }] of rules) {
      if (isStaying(step)) count(step);
      else rules.delete(key);
    }
  }
  writeRules(rules, failures, kernel);
  undoDeparted(rules, failures, store, kernel);
  return { repaired, written: rules, failures };
}

/** The DEL of a chained plugin undoes its rules, and removes their record right after that. */
const leavingMs = 3;

/**
 * Undoes rules that were written, and that no attachment has any more. The DEL of a chained plugin undoes its rules before it
 * removes their record, so rules that were written in between are found only later. Answers what could not be undone.
 */
export function undoWritten(
  dataDir: string,
  call: Pick<Call, "namespace" | "stderr">,
  rules: Rules,
): readonly Failure[] {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  using store = openExistingStore(dataDir);
  const failures: Failure[] = [];
  if (store) undoDeparted(rules, failures, store, kernel);
  return failures;
}

/** By their subject, in the order in which ADD commits them. */
type OwnedSteps = Map<string, Owned>;

function ruleSteps(store: Store): OwnedSteps {
  const found: OwnedSteps = new Map();
  for (const { attachment, steps } of expected(store))
    for (const step of steps) if (isRules(step)) found.set(subjectOf(step), { step, attachment });
  return found;
}

/** Without those of attachments whose link is gone: a setting of it cannot be put back. */
function hostSteps(store: Store, kernel: Kernel): OwnedSteps {
  const found: OwnedSteps = new Map();
  for (const { attachment, steps } of expected(store)) {
    const links = steps.flatMap((step) => givenBy(step).hostEnd?.name ?? []);
    if (!links.every((link) => kernel.link("host", link))) continue;
    for (const step of steps) {
      const part = hostPart(step);
      if (part) found.set(subjectOf(part), { step: part, attachment });
    }
  }
  return found;
}

function* expected(store: Store): Iterable<{ readonly attachment: Attachment; readonly steps: readonly Step[] }> {
  const boot = bootId();
  for (const entry of store.entries())
    if (entry.state === "attached" && entry.bootId === boot)
      yield { attachment: entry.attachment, steps: allExpected(committedSteps(entry, store)) };
}
