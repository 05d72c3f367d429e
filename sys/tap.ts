/** Tap interfaces, which netlink cannot create (linux/if_tun.h, Documentation/networking/tuntap.rst of the kernel). */
import { closeSync, openSync } from "node:fs";
import { errno, KernelError } from "./errors.ts";
import { control } from "./libc.ts";
import { inNetns, type Netns } from "./netns.ts";

const cloneDevice = "/dev/net/tun";

const request = { create: 0x400454ca, persist: 0x400454cb, owner: 0x400454cc, group: 0x400454ce } as const;

/** IFF_*: Ethernet frames without a header, several queues, and an error if the name exists. */
const tapFlag = { tap: 0x2, noPacketInformation: 0x1000, multiQueue: 0x100, exclusive: 0x8000 } as const;

/** struct ifreq: 16 bytes of name, then the flags. */
const ifreqBytes = 40;
const nameBytes = 16;

interface Tap {
  readonly name: string;
  readonly multiQueue: boolean;
  /** Numbers of the user and the group that may open it; absent: only root. */
  readonly owner?: number | undefined;
  readonly group?: number | undefined;
}

/**
 * Creates a tap. `finish` runs before the interface is made persistent: if it throws, or this process dies, the kernel
 * removes the interface.
 */
export function createTap(netns: Netns, tap: Tap, finish: () => void): void {
  const { name, owner, group } = tap;
  const what = `create tap ${name}`;
  // The kernel creates the interface in the namespace in which the device was opened.
  const fd = inNetns<number>(netns, opened);
  try {
    control(what, fd, request.create, ifreq(tap));
    if (owner !== undefined) control(`${what} for user ${owner}`, fd, request.owner, owner);
    if (group !== undefined) control(`${what} for group ${group}`, fd, request.group, group);
    finish();
    control(`keep tap ${name}`, fd, request.persist, 1);
  } finally {
    closeSync(fd);
  }
}

function ifreq({ name, multiQueue }: Tap): Uint8Array {
  const bytes = new Uint8Array(ifreqBytes);
  bytes.set(new TextEncoder().encode(name).subarray(0, nameBytes - 1));
  const flags = tapFlag.tap | tapFlag.noPacketInformation | tapFlag.exclusive | (multiQueue ? tapFlag.multiQueue : 0);
  new DataView(bytes.buffer).setUint16(nameBytes, flags, true);
  return bytes;
}

function opened(): number {
  try {
    return openSync(cloneDevice, "r+");
  } catch (error) {
    const symbol = (error as NodeJS.ErrnoException).code as keyof typeof errno;
    throw new KernelError(`open ${cloneDevice}`, errno[symbol] ?? errno.ENODEV);
  }
}
