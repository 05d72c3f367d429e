/** The folder of a lab: its state, leases and the files of its pods. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { processStart } from "../../store/claim.ts";

export interface LabState {
  readonly lab: string;
  /** The absolute path of the file that it was made from. */
  readonly file: string;
  /** SHA-256 of the file's text, to see whether it changed. */
  readonly hash: string;
  /**
   * The first process of the lab's PID namespace, as the machine sees it, and its start time (proc(5), field 22). 0 and
   * empty before it exists.
   */
  readonly pid: number;
  readonly pidStart: string;
  readonly startedMs: number;
  readonly isUp: boolean;
  readonly pods: readonly string[];
  /** The names of its namespaces in /run/netns. */
  readonly names: readonly string[];
  /**
   * True while `apply` or `restart` work, and after they were killed: `names` may then be more than there are, and may lead
   * to namespaces that have ended.
   */
  readonly isChanging?: boolean;
}

/** The folder of all labs of root. */
export const labsFolderOfRoot = "/run/ns-net/labs";

/** The folder of all labs of this user. */
export function labsFolder(): string {
  const user = process.geteuid!();
  if (user === 0) return labsFolderOfRoot;
  const own = process.env["XDG_RUNTIME_DIR"];
  return own ? join(own, "ns-net/labs") : `/tmp/ns-net-${user}/labs`;
}

export const folderOf = (lab: string) => join(labsFolder(), lab);

/** The file of the supervisor's standard error. */
export const logOf = (lab: string) => join(folderOf(lab), "log");

export const socketOf = (lab: string) => join(folderOf(lab), "control");

/** Makes the folder, for this user alone. Throws Fault if another user made one of those above first, in /tmp. */
export function makeFolder(lab: string): void {
  mkdirSync(folderOf(lab), { recursive: true, mode: 0o700 });
  const strange = strangeFolder();
  if (strange === undefined) return;
  throw new Fault(code.io, `${strange} is not of this user alone`, "Remove it, or set XDG_RUNTIME_DIR");
}

/** The folder of all labs or the one above, if another user owns it or may write there; undefined if all is well. */
function strangeFolder(): string | undefined {
  const [othersMayWrite, sticky] = [0o022, 0o1000]; // others may not replace files in a sticky folder
  return [dirname(labsFolder()), labsFolder()].find((folder) => {
    const found = statSync(folder, { throwIfNoEntry: false });
    return (
      found !== undefined &&
      (found.uid !== process.geteuid!() || ((found.mode & othersMayWrite) !== 0 && (found.mode & sticky) === 0))
    );
  });
}

/** `folder` is that of the lab, as the caller sees it. */
export function writeState(state: LabState, folder: string = folderOf(state.lab)): void {
  const file = join(folder, "state.json");
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

/** Undefined without a state: there is no such lab, or its first process does not exist yet. */
export function readState(lab: string): LabState | undefined {
  try {
    return JSON.parse(readFileSync(join(folderOf(lab), "state.json"), "utf8")) as LabState;
  } catch {
    return undefined;
  }
}

/** The labs of this user, by name. */
export function everyLab(): string[] {
  if (strangeFolder() !== undefined) return [];
  try {
    return readdirSync(labsFolder()).sort();
  } catch {
    return [];
  }
}

/** When a process started (proc(5)), as a state keeps it; undefined if it does not exist. */
export const startOf = (pid: number): string | undefined => processStart(pid)?.toString();

/** True if the lab's first process runs. A pid may be another process by now. */
export const isAlive = ({ pid, pidStart }: LabState): boolean => startOf(pid) === pidStart;

export function emptyFolder(lab: string): void {
  for (const name of readdirSync(folderOf(lab))) rmSync(join(folderOf(lab), name), { recursive: true, force: true });
}

/** Removes the folder, and that of all labs if this was the last one. */
export function removeFolder(lab: string): void {
  rmSync(folderOf(lab), { recursive: true, force: true });
  try {
    rmdirSync(labsFolder());
  } catch {
    // Another lab has its folder there.
  }
}
