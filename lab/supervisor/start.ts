/** Starts a lab's supervisor in namespaces of its own, and ends it. */
import { closeSync, createReadStream, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { closeFile } from "../../sys/libc.ts";
import { start } from "../../sys/namespaces/start.ts";
import { mountFlag, openPipe, openProcess, tryLock, waitReadable } from "../../sys/sysRare.ts";
import type { Source } from "../file/mistakes.ts";
import type { Lab } from "../model/lab.ts";
import { nameNamespaces, removeNames } from "./names.ts";
import { processesOf } from "./processes.ts";
import { folderOf, isAlive, type LabState, makeFolder, readState, removeFolder, startOf, writeState } from "./state.ts";
import type { Inspected } from "./supervise.ts";

const hashOf = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/**
 * Brings the lab up; all or nothing. Answers false if it is up already, from this file as it is. Throws Fault if it is up
 * from another file, or the file changed, or the lab could not be made.
 */
export async function startLab(lab: Lab, source: Source): Promise<boolean> {
  const folder = makeFolder(lab.name);
  const lock = await locked(folder);
  try {
    const hash = hashOf(source.text);
    const state = readState(lab.name);
    if (state && isAlive(state)) {
      refuseOther(state, lab, hash);
      return false;
    }
    removeRemains(lab.name, podNamesOf(lab));
    makeFolder(lab.name);
    writeFileSync(join(folder, "lab.yaml"), source.text);
    await started(lab, source.file, hash);
    return true;
  } finally {
    closeSync(lock);
  }
}

/** Ends the lab and removes what is left of it. Answers false if it was not up. */
export async function stopLab(name: string): Promise<boolean> {
  const state = readState(name);
  const isUp = state !== undefined && isAlive(state);
  if (isUp) await killed(state.pid);
  removeRemains(name, state?.names ?? []);
  return isUp;
}

function refuseOther(state: LabState, lab: Lab, hash: string): void {
  if (state.file !== lab.file)
    throw new Fault(
      code.config,
      `The lab ${lab.name} is up already, from ${state.file}`,
      `End it by: ns-net lab down ${state.file}; or give this one another name`,
    );
  if (state.hash !== hash)
    throw new Fault(
      code.config,
      `The lab ${lab.name} is up, and ${state.file} changed since`,
      "End it first: ns-net lab down",
    );
}

/** Holds the lab's lock, so that of two calls at once the second sees what the first made. */
async function locked(folder: string): Promise<number> {
  const file = openSync(`${folder}.lock`, "w", 0o600);
  while (!tryLock(file)) await Bun.sleep(lockPauseMs);
  return file;
}

const lockPauseMs = 10;

const everyMount = { source: "", target: "/", type: "none", flags: mountFlag.slave | mountFlag.recursive };
const ownProc = { source: "proc", target: "/proc", type: "proc", flags: 0 };

async function started(lab: Lab, file: string, hash: string): Promise<void> {
  const [reading, writing] = openPipe();
  const nothing = openSync("/dev/null", "r");
  const log = openSync(join(folderOf(lab.name), "log"), "a"); // not the caller's, who may wait for its end
  const isRoot = process.geteuid!() === 0;
  let pid: number;
  try {
    pid = start({
      create: [...(isRoot ? [] : (["user"] as const)), "pid", "mnt", "net", "uts"],
      mounts: [everyMount, ownProc],
      program: { paths: [process.execPath], words: supervisorWords(lab.name, file), environment: process.env },
      streams: [nothing, writing, log],
      init: true,
      session: true,
    });
  } catch (error) {
    closeFile(reading);
    throw error;
  } finally {
    closeFile(writing);
    closeSync(nothing);
    closeSync(log);
  }
  const end = () => void process.kill(pid, "SIGKILL");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  try {
    const said = JSON.parse((await text(reading)) || "{}") as Partial<Inspected> & { failed?: string };
    if (!said.pods) throw new Fault(code.kernel, said.failed ?? `The lab ${lab.name} ended before it was up`, "");
    const state = { lab: lab.name, file: lab.file, hash, pid, pidStart: startOf(pid) ?? "", startedMs: Date.now() };
    nameNamespaces(lab.name, processesOf(pid, said.pods));
    writeState({ ...state, names: said.pods.map(({ name }) => name) });
  } catch (error) {
    await killed(pid);
    removeRemains(lab.name, podNamesOf(lab));
    throw error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, end);
  }
}

/** This executable; under Bun alone also its first file. */
function supervisorWords(name: string, file: string): string[] {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return [process.execPath, ...(isCompiled ? [] : [Bun.main]), "lab", "supervise", folderOf(name), name, file];
}

/** All that comes through a pipe. */
async function text(descriptor: number): Promise<string> {
  let said = "";
  for await (const bytes of createReadStream("", { fd: descriptor })) said += String(bytes);
  return said;
}

const killMsMax = 10_000;

/** Kills the lab's first process, with which everything in its PID namespace ends, and waits for the end. */
async function killed(pid: number): Promise<void> {
  let descriptor: number;
  try {
    descriptor = openProcess(pid);
  } catch (error) {
    if (isKernelError(error, errno.ESRCH)) return;
    throw error;
  }
  process.kill(pid, "SIGKILL");
  waitReadable(descriptor, killMsMax);
  closeFile(descriptor);
}

const podNamesOf = ({ pods }: Lab) => [...pods.map(({ name }) => name), "outside", "host"];

function removeRemains(name: string, pods: readonly string[]): void {
  removeNames(name, pods);
  removeFolder(name);
}
