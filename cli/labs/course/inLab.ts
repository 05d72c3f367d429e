/** Runs commands of a lesson on its lab's host, and checks what the learner did. */
import { commandsOf, isSeen, type Step } from "../../../lab/lesson.ts";
import { test } from "../../../lab/supervisor/client.ts";
import { ownWords } from "../../../lab/supervisor/ownProgram.ts";
import type { LabState } from "../../../lab/supervisor/state.ts";

/** The output of a shell command on the lab's host, errors among it. */
export function runOnHost({ lab }: LabState, command: string): string {
  const words = [
    ...ownWords().slice(1),
    "lab",
    "exec",
    "--lab",
    lab,
    "host",
    "--",
    "sh",
    "-c",
    `exec 2>&1\n${command}`,
  ];
  return Bun.spawnSync([process.execPath, ...words]).stdout.toString();
}

/** Each line for itself: one that fails does not keep the others from running. */
export function runLines(state: LabState, commands: string | undefined): void {
  for (const line of commandsOf(commands)) runOnHost(state, line);
}

/** A sentence for each thing that is not as the step wants it. */
export async function missingIn(state: LabState, { see = [], tests }: Step): Promise<string[]> {
  const unseen = see.filter((sight) => !isSeen(sight, runOnHost(state, sight.run)));
  const missing = unseen.map(({ hint }) => hint);
  if (!tests) return missing;
  for await (const one of test(state))
    if (!one.passed) missing.push(`${one.test}: ${one.found}${one.why ? ` (${one.why})` : ""}`);
  return missing;
}
