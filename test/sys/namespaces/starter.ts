/**
 * A program for start.test.ts: starts what its argument says (JSON of Start; `enterPids` are opened first), prints what it
 * is asked to print, and exits as the process does. The environment is its own.
 */

import type { NamespaceKind } from "../../../sys/namespaces/kinds.ts";
import { start, waitFor } from "../../../sys/namespaces/start.ts";
import type { Start } from "../../../sys/namespaces/startRequest.ts";
import { openProcess } from "../../../sys/processes.ts";

export interface Asked extends Omit<Start, "program" | "enter"> {
  readonly words?: readonly string[];
  readonly enterPids?: readonly { readonly pid: number; readonly kinds: readonly NamespaceKind[] }[];
  /** Print the pid, and wait for nothing. */
  readonly printsPid?: boolean;
}

const { words, enterPids = [], printsPid, ...rest } = JSON.parse(process.argv[2]!) as Asked;
try {
  const pid = start({
    ...rest,
    enter: enterPids.map(({ pid, kinds }) => ({ fd: openProcess(pid), kinds })),
    ...(words && {
      program: {
        paths: ["/nowhere", "/bin", "/usr/bin"].map((f) => `${f}/${words[0]}`),
        words,
        environment: process.env,
      },
    }),
  });
  if (printsPid) console.log(pid);
  process.exitCode = waitFor(pid);
} catch (error) {
  const { message, cure } = error as Error & { cure?: string };
  console.log([message, cure].filter(Boolean).join("\n"));
  process.exitCode = 99;
}
