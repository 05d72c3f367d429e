/** tracefs: the events of the kernel itself, as files (Documentation/trace/ftrace.rst). */
import { ptr } from "bun:ffi";
import { cText } from "./cText.ts";
import { errno } from "./errors.ts";
import { statusIfThere } from "./files.ts";
import { checked, closeFile } from "./libc.ts";
import { rarely } from "./sysRare.ts";

/** Where systemd and most other programs mount it. */
const usualFolder = "/sys/kernel/tracing";

export interface Tracefs extends Disposable {
  readonly folder: string;
}

/**
 * The tracefs of the machine. Where it is not mounted, a mount that no folder shows: it goes when it is disposed of, or
 * with this process. Throws KernelError: EPERM or EACCES without the right, ENODEV on a kernel without tracefs.
 */
export function openTracefs(): Tracefs {
  if (statusIfThere(`${usualFolder}/instances`) !== undefined)
    return { folder: usualFolder, [Symbol.dispose]: () => {} };
  const mounted = detachedMount("tracefs");
  return { folder: `/proc/self/fd/${mounted}`, [Symbol.dispose]: () => closeFile(mounted) };
}

/** True if tracefs is mounted at its usual place. */
export const isTracefsMounted = (): boolean => {
  try {
    return statusIfThere(`${usualFolder}/instances`) !== undefined;
  } catch {
    return false; // only root may search the folder
  }
};

// asm-generic/unistd.h, the same on x86-64 and arm64 (Linux 5.2); linux/mount.h
const [SYS_fsopen, SYS_fsconfig, SYS_fsmount] = [430, 431, 432];
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;

function detachedMount(type: string): number {
  const name = cText(type);
  const call = (number: number, ...words: readonly number[]) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = words;
    return checked(`mount ${type}`, rarely("syscall")(number, a, b, c, d, e));
  };
  const context = call(SYS_fsopen, ptr(name), FSOPEN_CLOEXEC);
  try {
    call(SYS_fsconfig, context, FSCONFIG_CMD_CREATE);
    return call(SYS_fsmount, context, FSMOUNT_CLOEXEC);
  } finally {
    closeFile(context);
  }
}

/** The refusals by which a kernel, or a sandbox, has no tracefs for this process. */
export const tracefsRefusals: readonly number[] = [
  ...[errno.EPERM, errno.EACCES, errno.ENODEV, errno.ENOENT, errno.ENOSYS, errno.EROFS],
];
