/** Starts a lab's supervisor in namespaces of its own. */
import { closeSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import { code, Fault } from "../../conf/fault.ts";
import { shellWord } from "../../step/shellWords.ts";
import { closeFile, writeFile } from "../../sys/libc.ts";
import type { NamespaceKind } from "../../sys/namespaces/kinds.ts";
import { hasCompiler, start } from "../../sys/namespaces/start.ts";
import { openPipe } from "../../sys/processes.ts";
import { mountFlag } from "../../sys/sysRare.ts";
import type { Source } from "../file/mistakes.ts";
import type { Lab } from "../model/lab.ts";
import type { OnProgress } from "../world/world.ts";
import type { Inspected, Report } from "./answers.ts";
import { linesOf } from "./lines.ts";
import { lockLab, lockNames, openLog } from "./lock.ts";
import { freeNames, holderNames, nameNamespaces, prepareNames } from "./names.ts";
import { ownWords } from "./ownProgram.ts";
import { processesOf } from "./processes.ts";
import { folderOf, isAlive, type LabState, logOf, readState, startOf, writeState } from "./state.ts";
import { clearRemains, endSupervisor, removeRemains } from "./stop.ts";
import { sweep } from "./sweep.ts";

/**
 * Brings the lab up; all or nothing. Answers false if it is up already, from this file as it is. Throws Fault if it is up
 * from another file, or the file changed, or the lab could not be made.
 */
export async function startLab(lab: Lab, source: Source, onProgress: OnProgress): Promise<boolean> {
  refuseWithoutCompiler();
  sweep();
  using _ = lockLab(lab.name);
  const hash = hashOf(source);
  const state = readState(lab.name);
  if (state?.isUp && isAlive(state)) {
    refuseOther(state, lab, hash);
    return false;
  }
  // A killed `up` or a killed supervisor left it.
  endSupervisor(state);
  clearRemains(lab.name, state);
  const interrupt = () => endSupervisor(readState(lab.name)); // then the reports end, and all is undone
  for (const signal of signals) process.on(signal, interrupt);
  try {
    await started(lab, hash, onProgress);
    return true;
  } catch (error) {
    removeRemains(lab.name, readState(lab.name));
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** To see whether a file changed. */
export const hashOf = ({ text }: Source) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

export const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The programs of util-linux, which replace it for `ns-net exec`, start no process in namespaces of several pods. */
function refuseWithoutCompiler(): void {
  if (hasCompiler()) return;
  throw new Fault(
    code.unavailable,
    "Cannot start a lab: the C compiler of this executable does not work here",
    "See why: NSNET_DEBUG=1 ns-net lab up",
  );
}

/** Throws Fault if the lab of this name that is up is of another file. */
export function refuseOtherFile({ file }: LabState, lab: Lab): void {
  if (file === lab.file) return;
  throw new Fault(
    code.config,
    `The lab ${lab.name} is up already, from ${file}`,
    `End it by: ns-net lab down ${shellWord(file)}; or give this one another name`,
  );
}

function refuseOther(state: LabState, lab: Lab, hash: string): void {
  refuseOtherFile(state, lab);
  if (state.hash !== hash)
    throw new Fault(
      code.config,
      `The lab ${lab.name} is up, and ${state.file} changed since`,
      "Use apply: ns-net lab apply changes what differs, and --dry-run shows it first",
    );
}

async function started(lab: Lab, hash: string, onProgress: OnProgress): Promise<void> {
  const pods = lab.pods.map(({ name }) => name);
  mkdirSync(join(folderOf(lab.name), "tmp"));
  writeFileSync(join(folderOf(lab.name), "lab"), serialize(lab));
  const planned = keepPlanned({
    ...{ lab: lab.name, file: lab.file, hash, pid: 0, pidStart: "", startedMs: Date.now(), isUp: false, pods },
    holders: holderNames(lab),
  });
  prepareNames();
  const { pid, reading, writing } = startSupervisor(lab.name);
  const state = { ...planned, pid, pidStart: startOf(pid) ?? "" };
  try {
    writeState(state);
    const { hosts, outside, pods: running } = await reported(reading, lab.name, onProgress);
    nameNamespaces(lab.name, processesOf(pid, [...hosts, ...running, ...(outside ? [outside] : [])]));
    writeState({ ...state, isUp: true });
    writeFile(writing, new TextEncoder().encode("go"));
  } catch (error) {
    endSupervisor(state);
    throw error;
  } finally {
    closeFile(writing);
  }
}

/** Writes a state with the lab's names, which no other lab can choose from then on. Throws Fault if one is taken. */
function keepPlanned({
  holders,
  ...state
}: Omit<LabState, "names"> & { readonly holders: readonly string[] }): LabState {
  using _ = lockNames();
  const planned = { ...state, names: freeNames(state.lab, holders) };
  writeState(planned);
  return planned;
}

const everyMount = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

/** Answers its first process, and the ends of two pipes: its reports come from one; it goes on after a word on the other. */
function startSupervisor(lab: string) {
  const [reading, output] = openPipe();
  const [input, writing] = openPipe();
  const log = openLog(lab); // not the caller's, who may wait for its end
  const ofUser: NamespaceKind[] = process.geteuid!() === 0 ? [] : ["user"];
  try {
    const pid = start({
      create: [...ofUser, "pid", "mnt", "net", "uts"],
      mounts: [everyMount, ownProc],
      hostname: `${lab}-host`,
      directory: "/",
      program: {
        paths: [process.execPath],
        words: [...ownWords(), "lab", "supervise", lab], // the processes that hold pods show them, too, in `ps`
        // BUN_TMPDIR is for Bun's compiler of C: a folder that the lab's user may write.
        environment: { ...process.env, NSNET_LAB: folderOf(lab), BUN_TMPDIR: join(folderOf(lab), "tmp") },
      },
      streams: [input, output, log],
      init: true,
      session: true,
    });
    return { pid, reading, writing };
  } catch (error) {
    closeFile(reading);
    closeFile(writing);
    throw error;
  } finally {
    closeFile(input);
    closeFile(output);
    closeSync(log);
  }
}

/** Waits for the end of the supervisor's reports. Throws Fault if it failed or ended. */
async function reported(reading: number, lab: string, onProgress: OnProgress): Promise<Inspected> {
  for await (const line of linesOf<Report>(Bun.file(reading).stream())) {
    if ("up" in line) return line.up;
    if ("failed" in line) throw new Fault(code.kernel, line.failed, line.cure);
    onProgress(line.done, line.total, line.now);
  }
  const said = readFileSync(logOf(lab), "utf8").trim();
  throw new Fault(code.kernel, `The lab ${lab} was ended before it was up${said && `: ${said}`}`, "Bring it up again");
}
