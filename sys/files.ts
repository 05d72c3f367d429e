/**
 * Files by system calls. `node:fs` costs 0.6 ms to load, a twentieth of a whole ADD, so what ADD and DEL run reads files
 * by these. Every failure is a KernelError: the errno, and what was asked.
 */
import { errno, isKernelError } from "./errors.ts";
import { closeFile, openFile, readFile, statusOf, writeFile } from "./libc.ts";

/** fcntl.h; the same numbers on every architecture Bun runs on, but for some that are not here. */
export const openFlag = { readOnly: 0, writeOnly: 1, truncate: 0o1000, nonBlocking: 0o4000 } as const;

/** What statx(2) tells of a file. */
interface FileStatus {
  /** The permission bits, 0o7777. */
  readonly permissions: number;
  readonly isRegular: boolean;
  readonly uid: number;
  /** Bytes. */
  readonly size: number;
  readonly device: bigint;
  readonly inode: bigint;
}

// linux/stat.h, struct statx, in words of 4 bytes and (inode, size) of 8; sys/stat.h for the type of a file
const at = { uid: 5, mode: 7, inode: 4, size: 5, deviceMajor: 34, deviceMinor: 35 } as const;
const fileType = { mask: 0o170000, regular: 0o100000 } as const;
const permissionBits = 0o7777;

/** Of a path, following links, or of an open file. Throws KernelError. */
export function fileStatus(file: string | number): FileStatus {
  const raw = statusOf(file);
  const words = new Uint32Array(raw);
  const longs = new BigUint64Array(raw);
  const mode = words[at.mode]! & 0xffff;
  return {
    permissions: mode & permissionBits,
    isRegular: (mode & fileType.mask) === fileType.regular,
    uid: words[at.uid]!,
    size: Number(longs[at.size]!),
    device: deviceNumber(words[at.deviceMajor]!, words[at.deviceMinor]!),
    inode: longs[at.inode]!,
  };
}

/** Each says that no file is at the path; the last three, that none can be while the path leads through what it does. */
const absent = [errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP];

/** As `fileStatus`, or undefined where there is no such file, also because the path leads through another file. */
export function statusIfThere(path: string): FileStatus | undefined {
  try {
    return fileStatus(path);
  } catch (error) {
    if (isKernelError(error, ...absent)) return undefined;
    throw error;
  }
}

/** A number such as stat(2) has it: gnu_dev_makedev of sys/sysmacros.h, for numbers as small as the kernel's are. */
function deviceNumber(major: number, minor: number): bigint {
  return BigInt((minor >>> 8) * 2 ** 20 + (((major & 0xfff) << 8) | (minor & 0xff)));
}

/** A small file of /proc, whole: what one read gives, 4 KiB at the most. */
export function readText(path: string): string {
  const fd = openFile(path, openFlag.readOnly);
  try {
    const buffer = new Uint8Array(textBytesMax);
    return new TextDecoder().decode(buffer.subarray(0, readFile(fd, buffer)));
  } finally {
    closeFile(fd);
  }
}

const textBytesMax = 4096;

/** Writes what fits one write, as a sysctl wants it. */
export function writeText(path: string, text: string): void {
  const fd = openFile(path, openFlag.writeOnly | openFlag.truncate);
  try {
    writeFile(fd, new TextEncoder().encode(text));
  } finally {
    closeFile(fd);
  }
}
