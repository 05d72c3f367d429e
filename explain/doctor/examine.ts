/** Runs the checks, each on its own: one that fails does not keep the others from looking. */
import { Fault, NotPermitted } from "../../conf/fault.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { checks } from "./checks/index.ts";
import { type Check, type Finding, fail, type Status, skipped, statuses } from "./finding.ts";
import type { Patient } from "./patient.ts";

/** A finding with the word of its check. */
export interface Examined extends Finding {
  readonly id: string;
}

/** In the order of the checks; of one check the worst finding first. */
export async function examine(patient: Patient): Promise<readonly Examined[]> {
  const found: Examined[] = [];
  for (const check of checks) {
    const own = [...(await findingsOf(check, patient))];
    own.sort((a, b) => rank(b.status) - rank(a.status));
    for (const finding of own) found.push({ id: check.id, ...finding });
  }
  return found;
}

const rank = (status: Status): number => statuses.indexOf(status);

async function findingsOf(check: Check, patient: Patient): Promise<readonly Finding[]> {
  try {
    return await check.run(patient);
  } catch (error) {
    if (isRefusal(error)) return [skipped("this user may not look", "Run it as root")];
    if (error instanceof Fault) return [fail(error.sentence(byHand), error.cure(byHand))];
    return [fail(`cannot look: ${(error as Error).message}`, "Report it, with the file that --bundle writes")];
  }
}

const byHand = { byHand: true };

function isRefusal(error: unknown): boolean {
  return (
    error instanceof NotPermitted ||
    isKernelError(error, errno.EPERM, errno.EACCES) ||
    ["EPERM", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")
  );
}
