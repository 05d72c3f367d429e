/** The answers of the doctor's checks. */
import type { Patient } from "./patient.ts";

/** From the best to the worst; `skipped` is what could not be looked at. */
export const statuses = ["ok", "skipped", "warn", "fail"] as const;
export type Status = (typeof statuses)[number];

export interface Finding {
  readonly status: Status;
  /** A sentence without a full stop. */
  readonly says: string;
  /** A command where one helps, else what to do; empty where nothing is wrong. */
  readonly cure: string;
}

/** One question to the machine. It changes nothing. */
export interface Check {
  /** A word for programs: `rp-filter`. */
  readonly id: string;
  /** At least one finding, in any order. */
  run(patient: Patient): readonly Finding[] | Promise<readonly Finding[]>;
}

export const ok = (says: string): Finding => ({ status: "ok", says, cure: "" });
export const warn = (says: string, cure: string): Finding => ({ status: "warn", says, cure });
export const fail = (says: string, cure: string): Finding => ({ status: "fail", says, cure });
export const skipped = (says: string, cure = ""): Finding => ({ status: "skipped", says, cure });

/** The findings, or, where a check found nothing, that all is well. */
export function orOk(findings: readonly Finding[], says: string): readonly Finding[] {
  return findings.length > 0 ? findings : [ok(says)];
}
