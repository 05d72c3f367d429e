/** Turns any error into what the specification calls one: a code, a sentence, a cure. */

import { code, Fault, NotPermitted } from "../conf/fault.ts";
import defer * as explainError from "./explainError.ts";

/** Several errors as one; the first decides on the code. Nothing when there are none. */
export function throwTogether(errors: readonly Error[]): void {
  if (errors.length === 0) return;
  const faults = errors.map(faultOf);
  const [first] = faults;
  const kind = faults.every((fault) => fault instanceof NotPermitted) ? NotPermitted : Fault;
  throw new kind(
    first!.code,
    (audience) => faults.map((fault) => fault.sentence(audience)).join("; "),
    (audience) => [...new Set(faults.map((fault) => fault.cure(audience)).filter(Boolean))].join("; "),
  );
}

export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return explainError.explained(error);
}

/** For every plugin: CHECK compares with the result of ADD. */
export function checkNeedsPrevResult(): Fault {
  return new Fault(
    code.config,
    "Cannot CHECK without prevResult",
    "prevResult must be the result of ADD; a runtime gives it by itself",
  );
}
