/**
 * An agent in a container: it must have the mount namespace of the runtime that calls its launchers, because it opens the
 * same paths. So the process enters that of process 1 and begins again there. Its executable may exist only in the container,
 * so it is opened before.
 */
import { closeSync, openSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import { fileStatus } from "../sys/files.ts";
import { enterNamespace, namespaceKind } from "../sys/libc.ts";
import { execute } from "../sys/processes.ts";
import { newNamespace } from "../sys/sysRare.ts";

const host = "/proc/1/ns/mnt";

/** linux/sched.h: its own working folder and root. A thread that shares them cannot enter a mount namespace. */
const CLONE_FS = 0x200;

/**
 * Starts this program again, with the same words, in the mount namespace of process 1. Returns if it is there. Throws
 * Fault.
 */
export function beginAgainOnHost(words: readonly string[]): void {
  const failed = (error: unknown) =>
    new Fault(
      code.io,
      `Cannot enter the mount namespace of process 1: ${(error as Error).message}`,
      "Give the pod hostPID: true, and the container privileged: true",
    );
  try {
    if (fileStatus(host).inode === fileStatus("/proc/self/ns/mnt").inode) return;
    const program = openSync("/proc/self/exe", "r");
    const namespace = openSync(host, "r");
    newNamespace(CLONE_FS);
    enterNamespace(namespace, namespaceKind.mount);
    closeSync(namespace);
    // The host's /proc has this process, too: they have one PID namespace.
    execute(`/proc/self/fd/${program}`, ["ns-net", ...words], process.env);
  } catch (error) {
    throw failed(error);
  }
}
