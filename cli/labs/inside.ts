/** Runs a command of ns-net inside of a lab: with the lab's host as its host, on the lab's attachments. */
import { join } from "node:path";
import { labUp } from "../../lab/supervisor/client.ts";
import { ownWords } from "../../lab/supervisor/ownProgram.ts";
import { folderOf } from "../../lab/supervisor/state.ts";
import { closeFile } from "../../sys/libc.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import { openProcess } from "../../sys/processes.ts";
import { otherKinds } from "../inside/allNamespaces.ts";

/** `words` are those of the command line, without `--lab`. Answers the exit code. */
export function runInLab(lab: string, words: readonly string[]): number {
  const { pid } = labUp(lab, "");
  const fd = openProcess(pid);
  try {
    return waitFor(
      start({
        enter: [{ fd, kinds: otherKinds(pid) }],
        directory: "/",
        program: {
          paths: [process.execPath],
          words: [...ownWords(), ...words, "--data-dir", join(folderOf(lab), "leases")],
          environment: process.env,
        },
        foreground: true,
        diesWithCaller: true,
      }),
    );
  } finally {
    closeFile(fd);
  }
}

/** The words without the option `--lab NAME` or `--lab=NAME`. */
export function withoutLab(words: readonly string[]): string[] {
  return words.filter((word, i) => word !== "--lab" && words[i - 1] !== "--lab" && !word.startsWith("--lab="));
}
