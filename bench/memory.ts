/**
 * Peak memory of a process. The kernel counts a child's peak from before its exec, while it still shares its parent's
 * memory (vfork), so a small program started by a large one appears large. So a shell starts it and exits, the orphan
 * becomes this process's child (PR_SET_CHILD_SUBREAPER), and wait4 reports its own peak.
 */
import { dlopen, ptr } from "bun:ffi";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./process.ts";

const setChildSubreaper = 36;
/** struct rusage on 64-bit Linux: two timevals, then longs, the first of which is ru_maxrss in KiB. */
const rusageLongs = 18;
const maxrssAt = 4;

const { symbols: libc } = dlopen("libc.so.6", {
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  wait4: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
});

/** Peak resident size in MiB. */
export function peakMemoryMiB({ path, environment, stdin }: Program): number {
  libc.prctl(setChildSubreaper, 1, 0, 0, 0);
  const folder = mkdtempSync("/tmp/ns-net-bench-");
  try {
    writeFileSync(join(folder, "stdin"), stdin);
    const script = '"$1" <"$2" >/dev/null 2>&1 & echo $!';
    const shell = Bun.spawnSync(["/bin/sh", "-c", script, "sh", path, join(folder, "stdin")], { env: environment });
    const pid = Number(shell.stdout.toString());
    const [status, usage] = [new Int32Array(1), new BigInt64Array(rusageLongs)];
    if (libc.wait4(pid, ptr(status), 0, ptr(usage)) !== pid) throw new Error(`Cannot wait for ${path}`);
    if (status[0] !== 0) throw new Error(`${path} failed when its memory was measured`);
    return Number(usage[maxrssAt]) / 1024;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
