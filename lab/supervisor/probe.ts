/** Asks the kernel what a lab could do, in namespaces of its own that end with the question. */
import type { NamespaceKind } from "../../sys/namespaces/kinds.ts";
import { hasCompiler, start, waitFor } from "../../sys/namespaces/start.ts";
import { hasNetem } from "../world/netem.ts";
import { ownWords } from "./ownProgram.ts";

/** The variable whose value says that a supervisor is asked instead of started. */
export const probeVariable = "NSNET_PROBE";

/** False if the kernel lacks netem. True also where no lab can be started, which `lab up` reports. */
export function kernelHasNetem(): boolean {
  if (!hasCompiler()) return true;
  const ofUser: NamespaceKind[] = process.geteuid!() === 0 ? [] : ["user"];
  const child = start({
    create: [...ofUser, "net"],
    directory: "/",
    program: {
      paths: [process.execPath],
      words: [...ownWords(), "lab", "supervise", "probe"],
      environment: { ...process.env, [probeVariable]: "netem" },
    },
    diesWithCaller: true,
  });
  return waitFor(child) !== absent;
}

/** The exit code for what the kernel lacks; others are failures of the question. */
const absent = 3;

export const answer = (): number => (hasNetem() ? 0 : absent);
