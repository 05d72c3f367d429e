/** Explains refusals by the kernel or the file system, with a cure. Loaded when a call failed. */
import { code, deleteFirst, Fault, NotPermitted, type Words } from "../conf/fault.ts";
import { KernelError } from "../sys/errors.ts";
import { NamespaceRefused } from "../sys/namespaces/refused.ts";
import { NotANamespace } from "../sys/netns.ts";

interface Meaning {
  readonly code: number;
  readonly words: string;
  readonly cure: Words;
}

const io = (words: string, cure: Words): Meaning => ({ code: code.io, words, cure });
const again = (words: string, cure: Words): Meaning => ({ code: code.tryAgain, words, cure });
const ofKernel = (words: string, cure: Words): Meaning => ({ code: code.kernel, words, cure });

const forMore = "NSNET_DEBUG=netlink shows the messages on standard error";

/** By the symbol of the errno. */
const meanings: Readonly<Record<string, Meaning>> = {
  EAGAIN: again("it is busy", "Call again"),
  EBUSY: again("something else holds it", "Call again"),
  EINTR: again("the kernel's lists changed during every attempt", "Call again"),
  ENODEV: again("there is no such link", "It was removed meanwhile: call again"),
  ENOBUFS: again(
    "the kernel has no memory for it",
    "Free memory, or raise the memory limit of the caller, and call again",
  ),
  ENOMEM: again("there is no memory for it", "Free memory, or raise the memory limit of the caller, and call again"),
  EMFILE: io("this process may not open more files", "Raise the caller's limit of open files: ulimit -n 1024"),
  ENFILE: io("this host has no more open files to give", "Raise fs.file-max"),
  ENOSPC: io("no space is left", "Free space on that file system"),
  EDQUOT: io("the quota of this user is used up", "Free space, or raise the quota"),
  EROFS: io("the file system is read-only", "Mount it writable, or choose another folder"),
  EIO: io("the device fails", "See the kernel's log: dmesg"),
  ENOENT: io("it does not exist", "Check that it is there, and that this mount namespace shows it"),
  ENOTDIR: io("a part of the path is not a folder", "Move away the file that is in the place of a folder"),
  EISDIR: io("it is a folder", "Move it away, or choose another path"),
  ELOOP: io("it is a symbolic link, or leads through too many", "Replace the link by what it leads to"),
  ENAMETOOLONG: io("the name is too long", "Choose a shorter one"),
  EEXIST: ofKernel("it exists already", deleteFirst),
  EADDRINUSE: {
    code: code.config,
    words: "another interface on the same device has its hardware address",
    cure: "The hardware address follows from the IP address: ask for another IP address, or set mac",
  },
  EADDRNOTAVAIL: ofKernel("the link does not have that address", forMore),
  ENETUNREACH: {
    code: code.config,
    words: "the gateway cannot be reached",
    cure: "A route's gateway must lie in the subnet of one of the container's addresses",
  },
  EOPNOTSUPP: ofKernel(
    "this kernel cannot do that",
    "The configuration needs a feature that it lacks; is the module there (veth, bridge, nf_tables, nft_masq)?",
  ),
  EINVAL: ofKernel("the kernel does not accept the request", forMore),
};

/** Only ns-net fills its tables, so a refusal there mostly has one cause. */
const changedTable: Meaning = ofKernel(
  "the table is not as ns-net made it, or this kernel lacks nft_masq, nft_nat or nft_fib",
  "Remove the table, which is ns-net's alone: nft delete table inet ns_net; then make its rules again: ns-net repair",
);

const [asRoot, asOther] = [
  "Root is not enough here: it takes CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespace that owns the network namespaces, and no security module in the way (see dmesg)",
  "Run it as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN in the user namespace that owns the network namespaces",
];

const changedByOthers = ["EOPNOTSUPP", "EINVAL", "ENOENT", "EBUSY", "EEXIST"];

/** The sentence begins with "Cannot" and the operation. */
function refusal(tried: string, symbol: string, kernelText: string): Fault {
  if (symbol === "EPERM" || symbol === "EACCES") {
    const cure = process.geteuid!() === 0 ? asRoot : asOther;
    return new NotPermitted(
      code.io,
      `${tried}: ${symbol === "EPERM" ? "not permitted" : "permission denied"} (${symbol})`,
      cure,
    );
  }
  const ofTable = tried.includes("nf_tables") && changedByOthers.includes(symbol);
  const meaning = ofTable ? changedTable : meanings[symbol];
  const said = [symbol, ...(kernelText ? [`kernel: ${kernelText}`] : [])].join(", ");
  if (!meaning) return new Fault(code.kernel, `${tried}: the kernel refuses it (${said})`, forMore);
  return new Fault(meaning.code, `${tried}: ${meaning.words} (${said})`, meaning.cure);
}

/** A Fault for anything that was thrown. An error that this file does not know is reported as a bug of ns-net. */
export function explained(error: unknown): Fault {
  if (error instanceof KernelError) return refusal(`Cannot ${error.operation}`, error.symbol, error.kernelText);
  if (error instanceof NotANamespace)
    return new Fault(
      code.netns,
      error.message,
      "Give the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net",
    );
  if (error instanceof NamespaceRefused) return new Fault(code.io, error.message, error.cure);
  const { message, code: symbol, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (typeof symbol === "string" && /^E[A-Z0-9]+$/.test(symbol) && syscall !== undefined) {
    const what = [path, dest].filter(Boolean).join(" to ");
    return refusal(`Cannot ${verbs[syscall] ?? syscall}${what ? ` ${what}` : ""}`, symbol, "");
  }
  if (error instanceof RangeError && /memory/i.test(message)) {
    return refusal("Cannot go on", "ENOMEM", "");
  }
  return new Fault(
    code.internal,
    `Internal error: ${message}`,
    "This is a bug of ns-net; NSNET_DEBUG=stack prints where it came from",
  );
}

/** System calls as `node:fs` names them, in words. */
const verbs: Readonly<Record<string, string>> = {
  open: "open",
  mkdir: "make the folder",
  rmdir: "remove the folder",
  unlink: "remove",
  rename: "rename",
  copyfile: "copy",
  scandir: "list",
  stat: "look at",
  lstat: "look at",
  access: "reach",
};
