/** The edge at which any error becomes what the specification calls one: a code, a sentence, a cure. */
import { code, Fault } from "../conf/fault.ts";
import { errno, KernelError } from "../netlink/errors.ts";

/** Several errors as one; the first decides on the code. Nothing when there are none. */
export function throwTogether(errors: readonly Error[]): void {
  if (errors.length === 0) return;
  const faults = errors.map(faultOf);
  const [first] = faults;
  const cures = new Set(faults.map(({ cure }) => cure).filter(Boolean));
  throw new Fault(first!.code, faults.map(({ message }) => message).join("; "), [...cures].join("; "));
}

const cures: Readonly<Record<number, readonly [code: number, cure: string]>> = {
  [errno.EPERM]: [
    code.io,
    "Run it as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespace that owns the network namespaces",
  ],
  [errno.EACCES]: [
    code.io,
    "Run it as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespace that owns the network namespaces",
  ],
  [errno.EBUSY]: [code.tryAgain, "Something else holds it; call again"],
  [errno.EINTR]: [code.tryAgain, "The kernel's lists were changing all the time; call again"],
  [errno.ENOBUFS]: [code.tryAgain, "The kernel had no memory for the answer; call again"],
  [errno.EOPNOTSUPP]: [
    code.kernel,
    "This kernel lacks a feature that the configuration needs; is the module there (veth, bridge, nf_tables, nft_masq)?",
  ],
  [errno.EEXIST]: [
    code.kernel,
    "Something of that name is there already; delete the attachment first (CNI DEL, or 'ns-net del')",
  ],
  [errno.ENODEV]: [code.tryAgain, "A link vanished meanwhile; call again"],
  [errno.ENETUNREACH]: [code.config, "A route's gateway must lie in the subnet of one of the container's addresses"],
};

export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof KernelError) {
    const [faultCode, cure] = cures[error.errno] ?? [
      code.kernel,
      "NSNET_DEBUG=netlink shows the messages on standard error",
    ];
    return new Fault(faultCode, error.message, cure);
  }
  const { message } = error as Error;
  return new Fault(
    code.internal,
    `Internal error: ${message}`,
    "This is a bug of ns-net; NSNET_DEBUG=stack prints where it came from",
  );
}

/** Of every plugin: what it made is told by the result of ADD. */
export function checkNeedsPrevResult(): Fault {
  return new Fault(
    code.config,
    "Cannot CHECK without prevResult",
    "prevResult must be the result of ADD; a runtime gives it by itself",
  );
}
