/**
 * The programs that watch over running containers. Their command lines name the folders of state, so containers of a
 * runtime with other folders than the default ones (another root, an ordinary user, k3s) are found, too.
 */
import { readlinkSync } from "node:fs";
import { everyProcess, type Process } from "../namespaceKinds.ts";
import { readOrEmpty } from "../readOrEmpty.ts";

export interface Monitors {
  /** Bundles of containerd's shims: `…/io.containerd.runtime.v2.task/NAMESPACE/ID`. */
  readonly bundles: readonly string[];
  /** The folders that conmon works for: those of its options -b (the bundle) and -p (the file with the number). */
  readonly userdata: readonly { readonly bundle: string; readonly pidFile: string }[];
  /** The option --data-root of each dockerd. */
  readonly dockerRoots: readonly string[];
}

/** The kernel cuts the name of a program after 15 bytes. */
const shim = "containerd-shim";

/** `processes`: those of the machine, where a command has them already. */
export function monitors(processes: readonly Process[] = everyProcess()): Monitors {
  const bundles: string[] = [];
  const userdata: { bundle: string; pidFile: string }[] = [];
  const dockerRoots: string[] = [];
  for (const { pid, command } of processes) {
    // The shim's current folder is the bundle (containerd's runtime v2).
    if (command === shim) bundles.push(...folderOf(pid));
    else if (command === "conmon") userdata.push(...userdataOf(wordsOf(pid)));
    else if (command === "dockerd") dockerRoots.push(...optionIn(wordsOf(pid), "--data-root"));
  }
  return { bundles, userdata, dockerRoots };
}

function userdataOf(words: readonly string[]) {
  const [[bundle], [pidFile]] = [optionIn(words, "-b"), optionIn(words, "-p")];
  return bundle === undefined || pidFile === undefined ? [] : [{ bundle, pidFile }];
}

/** The value of an option, `--name value` or `--name=value`. */
function optionIn(words: readonly string[], option: string): string[] {
  const at = words.indexOf(option);
  const joined = words.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1);
  return [at < 0 ? joined : words[at + 1]].filter((value) => value !== undefined);
}

function wordsOf(pid: number): string[] {
  return readOrEmpty(`/proc/${pid}/cmdline`).split("\0");
}

function folderOf(pid: number): string[] {
  try {
    return [readlinkSync(`/proc/${pid}/cwd`)];
  } catch {
    return [];
  }
}
