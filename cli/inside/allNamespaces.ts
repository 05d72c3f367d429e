/** Runs a program in all namespaces of a process: those of its container. */
import { existsSync, readFileSync } from "node:fs";
import { code, Fault } from "../../conf/fault.ts";
import { kindsInOrder, namespacesOf } from "../../explain/namespaceKinds.ts";
import { errno, isKernelError, KernelError } from "../../sys/errors.ts";
import { closeFile } from "../../sys/libc.ts";
import type { NamespaceKind } from "../../sys/namespaces/kinds.ts";
import { start, waitFor } from "../../sys/namespaces/start.ts";
import { netnsIdentity } from "../../sys/netns.ts";
import { openProcess } from "../../sys/processes.ts";
import { pidsByInode } from "../attachments.ts";
import { NotRun } from "../command.ts";
import type { Target } from "../target.ts";
import { startedByShell } from "./ownPids.ts";
import { notExecutable, notFound } from "./programs.ts";

/**
 * Runs it with the environment of that process, whose PATH leads to programs of the container, and TERM of the caller;
 * or with `given`, where the files are the caller's own. `path` is the network namespace. Answers the program's exit code.
 */
export function runInAll(
  target: Target,
  path: string,
  words: readonly string[],
  given?: Readonly<Record<string, string | undefined>>,
): number {
  const pid = processIn(target, path);
  const fd = openedProcess(pid);
  try {
    const kinds = otherKinds(pid);
    const environment = given ?? { ...environmentOf(pid), TERM: process.env["TERM"] };
    return waitFor(
      startedByShell({ paths: pathsOf(words[0]!, environment["PATH"]), words, environment }, (program) =>
        start({ enter: [{ fd, kinds }], directory: "/", program, foreground: true, diesWithCaller: true }),
      ),
    );
  } catch (error) {
    throw explained(error, words[0]!, target, pid, given !== undefined);
  } finally {
    closeFile(fd);
  }
}

/** The process whose namespaces are meant: the named one, or the first in the network namespace. */
function processIn(target: Target, path: string): number {
  const pid = target.pid ?? pidsByInode().get(netnsIdentity(path)?.inode ?? 0n);
  if (pid !== undefined) return pid;
  throw new Fault(
    code.unknownContainer,
    `There is no process in the namespace ${target.spec}, and --all enters the namespaces of a process`,
    `Leave --all out: ns-net exec ${target.spec}`,
  );
}

function openedProcess(pid: number): number {
  try {
    return openProcess(pid);
  } catch (error) {
    if (isKernelError(error, errno.ESRCH) || isKernelError(error, errno.EINVAL)) throw ended(pid);
    throw error;
  }
}

/** The kinds of namespace in which the process is not together with us. The kernel refuses to enter our own again. */
export function otherKinds(pid: number): NamespaceKind[] {
  const [own, theirs] = [namespacesOf("self"), namespacesOf(pid)];
  if (theirs.net === undefined)
    throw existsSync(`/proc/${pid}`) ? new KernelError(`look into process ${pid}`, errno.EPERM) : ended(pid);
  return kindsInOrder.filter((kind) => theirs[kind] !== undefined && theirs[kind] !== own[kind]);
}

function environmentOf(pid: number): Record<string, string | undefined> {
  const variables = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((text) => text.includes("="));
  return Object.fromEntries(
    variables.map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
  );
}

/** The paths at which a container may have the program. */
function pathsOf(name: string, path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"): string[] {
  return name.includes("/") ? [name] : path.split(":").map((folder) => `${folder}/${name}`);
}

function explained(error: unknown, name: string, target: Target, pid: number, hasFilesOfCaller: boolean): unknown {
  const isOfProgram = error instanceof KernelError && error.operation.startsWith("execute");
  if (isOfProgram && isKernelError(error, errno.ENOENT))
    return new NotRun(
      notFound,
      `Cannot find the command ${JSON.stringify(name)} in ${target.spec}`,
      hasFilesOfCaller
        ? "Its files are those of this machine: give a path, or install the program here"
        : `Its files are those of process ${pid}, and it may have no such program; to see its network alone with the host's programs: ns-net exec ${target.spec} ip address`,
    );
  if (isOfProgram && isKernelError(error, errno.EACCES))
    return new NotRun(
      notExecutable,
      `Cannot run ${name} in ${target.spec}: it is not executable`,
      `See its files: ls -l /proc/${pid}/root`,
    );
  if (
    isKernelError(error, errno.ESRCH) ||
    (error as NodeJS.ErrnoException).code === "ENOENT" ||
    (error as NodeJS.ErrnoException).code === "ESRCH"
  )
    return ended(pid);
  return error;
}

const ended = (pid: number) =>
  new Fault(code.unknownContainer, `Process ${pid} has ended`, "See which processes there are: ns-net ns ls");
