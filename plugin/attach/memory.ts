/** The store's part in an ADD: an entry and a lease, or a chained plugin's record. */
import type { Lease } from "../../ipam/ipam.ts";
import type { Plan } from "../../plan/plan.ts";
import type { AnyFacts } from "../../plan/planner.ts";
import type { Undo } from "../../step/commit.ts";
import type { Step } from "../../step/index.ts";

export interface Memory {
  /** Acquires addresses, if this role has any. Throws Fault. */
  lease(facts: AnyFacts): Promise<Leased>;
  /** Before the kernel is changed. Removes what an earlier ADD of the same attachment left; `again` prepares once more after that. */
  begin(prepared: Prepared, again: () => Promise<Prepared>): Promise<Prepared>;
  /** After the kernel was changed. Throws Fault if the attachment was deleted meanwhile. */
  end(prepared: Prepared): void;
  /** After a failure, and only when the kernel is as it was. Never throws: it must not hide the first failure. */
  giveBack(leased: Leased): Promise<void>;
}

export interface Leased {
  readonly lease: Lease;
  /** For an IPAM that needs the interface first (DHCP): it is committed already. */
  readonly linkFirst?: LinkFirst | undefined;
}

/** The container's interface, created before the IPAM runs: see linkFirst.ts. */
export interface LinkFirst {
  /** Creates the interface, and answers how to undo it. */
  prepare(): Undo;
  /** Hardware address of the interface. */
  readonly mac: string;
  /** The steps that are not committed yet. */
  rest<S>(steps: readonly S[]): readonly S[];
  /** Answers the errors, as Undo does. Nothing is left to undo after it. */
  undo: Undo;
}

/** An ADD up to the moment when the kernel is changed. */
export interface Prepared {
  readonly facts: AnyFacts;
  readonly leased: Leased;
  readonly plan: Plan;
  /** The plan's steps that are not committed yet. */
  readonly steps: readonly Step[];
}
