/** Which process holds the store's write lock, for the message of a call that waited too long. */
import { readFileSync, statSync } from "node:fs";

/** The byte of the -shm file that a writer locks: WAL_WRITE_LOCK, https://sqlite.org/walformat.html#locks */
const writeLockByte = 120;

/** `process 4711 (ns-net)`; undefined if it is unknown, as for a process of another PID namespace. */
export function writerOf(storePath: string): string | undefined {
  try {
    const pid = lockOwner(readFileSync("/proc/locks", "utf8"), statSync(`${storePath}-shm`).ino);
    if (pid === undefined || pid === process.pid) return undefined;
    return `process ${pid} (${readFileSync(`/proc/${pid}/comm`, "utf8").trim()})`;
  } catch {
    return undefined;
  }
}

/** proc(5), /proc/locks: `1: POSIX  ADVISORY  WRITE 4711 fd:01:12345 120 120`; lines with `->` only wait. */
function lockOwner(locks: string, inode: number): number | undefined {
  for (const line of locks.split("\n")) {
    const [, , , mode, pid, file, start, end] = line.split(/\s+/);
    const covers = Number(start) <= writeLockByte && (end === "EOF" || Number(end) >= writeLockByte);
    if (mode === "WRITE" && file?.endsWith(`:${inode}`) && covers && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}
