/**
 * Files by system calls. ADD and DEL read files by these, because `node:fs` takes 0.6 ms to load, a twentieth of a
 * whole ADD. Every failure is a KernelError with the errno and the operation.
 */
import { errno, isKernelError, KernelError } from "./errors.ts";
import { closeFile, openFile, readFile, statusOf, writeFile } from "./libc.ts";

/** fcntl.h; the same numbers on x86-64 and arm64. */
export const openFlag = { readOnly: 0, writeOnly: 1, truncate: 0o1000, nonBlocking: 0o4000 } as const;

/** The part of statx(2) that this program reads. */
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

/** The status of a path, following links, or of an open file. Throws KernelError. */
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

/**
 * Each means that there is no file at the path. With the last three there cannot be one, because a part of the path is
 * no folder, too long, or a circle of links.
 */
const absent = [errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP];

/** The status of a path, or undefined if there is no file. Throws KernelError for any other refusal. */
export function statusIfThere(path: string): FileStatus | undefined {
  try {
    return fileStatus(path);
  } catch (error) {
    if (isKernelError(error, ...absent)) return undefined;
    throw error;
  }
}

/**
 * The device number as stat(2) has it: gnu_dev_makedev of sys/sysmacros.h, for the small numbers that the kernel gives.
 */
function deviceNumber(major: number, minor: number): bigint {
  return BigInt((minor >>> 8) * 2 ** 20 + (((major & 0xfff) << 8) | (minor & 0xff)));
}

/** The text of a small file of /proc: the first read alone, at most 4 KiB. */
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

/** All bytes of an open regular file, whatever its offset. Throws KernelError EMSGSIZE if there are more than `bytesMax`. */
export function readDescriptor(descriptor: number, bytesMax: number): Uint8Array {
  const { size } = fileStatus(descriptor);
  if (size > bytesMax) throw new KernelError(`read ${size} bytes at once`, errno.EMSGSIZE);
  const fd = openFile(`/proc/thread-self/fd/${descriptor}`, openFlag.readOnly);
  try {
    const bytes = new Uint8Array(size);
    let length = 0;
    for (let count = -1; count !== 0 && length < size; length += count) count = readFile(fd, bytes.subarray(length));
    return bytes.subarray(0, length);
  } finally {
    closeFile(fd);
  }
}

/** Writes a text by one write(2), as the kernel requires for a sysctl. */
export function writeText(path: string, text: string): void {
  const fd = openFile(path, openFlag.writeOnly | openFlag.truncate);
  try {
    writeFile(fd, new TextEncoder().encode(text));
  } finally {
    closeFile(fd);
  }
}
