/** Compares attachments with what ADD made, for `check` and `doctor`. */
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { type Family, withoutPrefix } from "../ip/address.ts";
import { adoptedStep, isAllOurs, isLeaseOnly } from "../ipam/hostLocal/adopted.ts";
import { openKernel } from "../kernel/kernel.ts";
import { faultOf } from "../plugin/faults.ts";
import { evidence } from "../plugin/liveness/evidence.ts";
import { isFreed, livenessOf, mayLive } from "../plugin/liveness/liveness.ts";
import { committedSteps } from "../plugin/removal/entrySteps.ts";
import { rulesKept } from "../plugin/takeover/rulesKept.ts";
import { type ExpectedRules, rulesMissing, type Saved } from "../plugin/takeover/rulesLeft.ts";
import { savedRules } from "../reference/iptables.ts";
import { allExpected } from "../step/expected.ts";
import { checkStep, isRepairable, type Step } from "../step/index.ts";
import { type Difference, distinct } from "../step/kind.ts";
import type { Entry } from "../store/entry.ts";
import { isInProgress, isInterrupted } from "../store/index.ts";
import { isWithoutNamespace } from "../store/namespace.ts";
import type { Store } from "../store/store.ts";
import { attachAgain } from "./attach/attachAgain.ts";
import { openedStore, openNetnsOf, sameStoreAs } from "./attachments.ts";
import { progress } from "./output/progress.ts";

export interface Report {
  readonly attachment: Attachment;
  readonly differences: readonly Difference[];
  /** Why it could not be compared, with the cure. */
  readonly error?: { readonly message: string; readonly cure: string };
  /** The process that is adding or deleting it at this moment: there is nothing to compare yet. */
  readonly busy?: number;
  /** Another plugin made its interface, with addresses from ns-net, which are all that can be compared. */
  readonly isLeaseOnly?: true;
  /** Puts the differences right, if `ns-net repair` does not: a command, or a sentence. */
  readonly cure?: string;
  /** Another plugin made it with its own address, so only a part can be compared. */
  readonly isOthers?: true;
  /** The runtime keeps what another plugin's rules must be, and they were compared. */
  readonly isByResult?: true;
}

export const isWrong = ({ differences, error }: Report): boolean => differences.length > 0 || error !== undefined;

/** `isOne`: a person named the namespace, so what prevents the comparison is the answer, and is thrown. */
export function reportsOf(found: readonly Entry[], dataDir: string | undefined, isOne: boolean): Report[] {
  using store = openedStore(dataDir);
  using shown = progress("checking", found.length);
  const saved = savedOnce();
  return found.map((entry, i): Report => {
    const { attachment } = entry;
    const others = adoptedStep(entry) === undefined ? {} : { isOthers: true as const };
    shown.at(i, attachmentText(attachment));
    if (!isOne && isInProgress(entry)) return { attachment, differences: [], busy: entry.pid };
    const leaseOnly = isLeaseOnly(entry) ? { isLeaseOnly: true as const } : {};
    // The caller of an IPAM need not name a namespace.
    if (isLeaseOnly(entry) && isWithoutNamespace(entry)) return { attachment, differences: [], ...leaseOnly };
    try {
      const rules = rulesOf(entry, store);
      const compared = comparisonOf(entry, committedSteps(entry, store), sameStoreAs(dataDir), { rules, saved });
      return { attachment, ...compared, ...leaseOnly, ...others, ...(rules && { isByResult: true as const }) };
    } catch (error) {
      if (isOne) throw error;
      const fault = faultOf(error);
      return { attachment, differences: [], error: { message: fault.message, cure: fault.cure({ byHand: true }) } };
    }
  });
}

type Comparison = Pick<Report, "differences" | "cure">;

/** Compares every committed step, as chained plugins left it, with the kernel now. */
function comparisonOf(
  entry: Entry,
  committed: readonly (readonly Step[])[],
  sameStore: string,
  { rules, saved }: { readonly rules: ExpectedRules | undefined; readonly saved: Saved },
): Comparison {
  if (entry.steps === undefined && isInterrupted(entry))
    return { differences: [unfinished], cure: `ns-net gc${sameStore}` };
  if (isDeletedByOthers(entry)) return { differences: [deletedByOthers], cure: `ns-net gc${sameStore}` };
  using kernel = openKernel({ container: openNetnsOf(entry) });
  const steps = allExpected(committed);
  const differing = steps.filter((step) => checkStep(step, kernel).length > 0);
  const lost = rules ? rulesMissing(rules, kernel, saved) : [];
  const differences = distinct([...differing.flatMap((step) => checkStep(step, kernel)), ...lost]);
  if (lost.length === 0 && differing.every((step) => isRepairable(step, kernel))) return { differences };
  return { differences, cure: attachAgain(entry, steps, sameStore) };
}

/** The rules of another plugin, as far as the runtime keeps what it asked for. Ports may be ours: then their steps are compared. */
function rulesOf(entry: Entry, store: Store | undefined): ExpectedRules | undefined {
  if (isAllOurs(entry)) return undefined;
  const { attachment, addresses } = entry;
  const kept = rulesKept(
    attachment,
    addresses.map(({ address }) => withoutPrefix(address)),
  );
  const isOwn = store?.chainedRecords(attachment).some(({ plugin }) => plugin === "portmap");
  return kept && { ...kept, ports: isOwn ? [] : kept.ports };
}

/** Reads the rules of iptables once for all attachments. */
function savedOnce(): Saved {
  const read = new Map<Family, string | undefined>();
  return (version) => {
    if (!read.has(version)) {
      using kernel = openKernel();
      read.set(version, savedRules(version, "nat", kernel));
    }
    return read.get(version);
  };
}

const unfinished: Difference = { what: "attachment", expected: "attached", found: "an add that did not end" };

/** The DEL of the plugin that made it came, while ns-net was not in its place. */
function isDeletedByOthers(entry: Entry): boolean {
  if (!isFreed(entry)) return false;
  using kernel = openKernel();
  return !mayLive(
    livenessOf(
      entry,
      evidence(kernel, () => false),
    ),
  );
}

const deletedByOthers: Difference = {
  what: "attachment",
  expected: "attached",
  found: "deleted by the plugin that made it",
};
