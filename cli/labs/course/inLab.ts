/** Runs commands of a lesson on its lab's host, and checks what the learner did. */
import { closeSync, openSync } from "node:fs";
import { commandsOf, isSeen, type Step } from "../../../lab/lesson.ts";
import { test } from "../../../lab/supervisor/client.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";
import { closeFile } from "../../../sys/libc.ts";
import { start, waitFor } from "../../../sys/namespaces/start.ts";
import { openPipe, openProcess, wholeOf } from "../../../sys/processes.ts";
import { otherKinds } from "../../inside/allNamespaces.ts";

/** The output of a shell command on the lab's only host, errors among it. */
export async function runOnHost({ pid }: LabState, command: string): Promise<string> {
  const [reading, writing] = openPipe();
  const nothing = openSync("/dev/null", "r");
  const fd = openProcess(pid);
  try {
    const child = start({
      enter: [{ fd, kinds: otherKinds(pid) }],
      directory: "/",
      program: { paths: ["/bin/sh"], words: ["sh", "-c", command], environment: process.env },
      streams: [nothing, writing, writing],
      diesWithCaller: true,
    });
    closeFile(writing);
    const output = await wholeOf(reading);
    waitFor(child);
    return output;
  } finally {
    closeFile(fd);
    closeSync(nothing);
  }
}

/** Each line for itself: one that fails does not keep the others from running. */
export async function runLines(state: LabState, commands: string | undefined): Promise<void> {
  for (const line of commandsOf(commands)) await runOnHost(state, line);
}

/** A sentence for each thing that is not as the step wants it. */
export async function missingIn(state: LabState, { see = [], tests }: Step): Promise<string[]> {
  const missing: string[] = [];
  for (const sight of see) if (!isSeen(sight, await runOnHost(state, sight.run))) missing.push(sight.hint);
  if (!tests) return missing;
  for await (const one of test(state))
    if (!one.passed) missing.push(`${one.test}: ${one.found}${one.why ? ` (${one.why})` : ""}`);
  return missing;
}
