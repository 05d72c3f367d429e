/** A refusal by the kernel: the errno and the kernel's own words, unchanged. */
import defer * as os from "node:os";

/** The errno numbers that this program decides by (asm-generic/errno.h). */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  ENOEXEC: 8,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  EROFS: 30,
  ERANGE: 34,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  ERESTART: 85,
  EMSGSIZE: 90,
  EAFNOSUPPORT: 97,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENOBUFS: 105,
  ESRCH: 3,
  ENOTDIR: 20,
  ENAMETOOLONG: 36,
  ELOOP: 40,
  EPIPE: 32,
  ECONNRESET: 104,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
} as const;

export class KernelError extends Error {
  /** The request in words that follow "Cannot": `create veth nsv0123`. */
  readonly operation: string;
  readonly errno: number;
  /** The name of the errno: `EEXIST`. */
  readonly symbol: string;
  /** The kernel's explanation (NLMSGERR_ATTR_MSG), or an empty text. */
  readonly kernelText: string;

  constructor(operation: string, number: number, kernelText = "") {
    const symbol = errnoName(number);
    super(`Cannot ${operation}: ${symbol}${kernelText ? ` (kernel: ${kernelText})` : ""}`);
    this.name = "KernelError";
    this.operation = operation;
    this.errno = number;
    this.symbol = symbol;
    this.kernelText = kernelText;
  }
}

function errnoName(number: number): string {
  for (const name in errno) if (errno[name as keyof typeof errno] === number) return name;
  // node:os costs time to load: only for numbers that nothing here decides by.
  for (const [name, value] of Object.entries(os.constants.errno)) if (value === number) return name;
  return `error ${number}`;
}

/** True for a refusal by the kernel with one of these numbers. */
export function isKernelError(error: unknown, ...numbers: number[]): error is KernelError {
  return error instanceof KernelError && numbers.includes(error.errno);
}

/**
 * Does `work`, and answers undefined if the kernel refuses it with one of these numbers; throws any other error. Some
 * refusals are the wanted state: ENODEV for a link that is to be deleted, EEXIST for one that is to be created.
 */
export function tolerating<T>(work: () => T, ...numbers: number[]): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isKernelError(error, ...numbers)) return undefined;
    throw error;
  }
}
