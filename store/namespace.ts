import type { NewEntry } from "./entry.ts";

/** True if two entries have the same namespace in the same boot. A path may lead to a new namespace, and the kernel reuses inode numbers. */
export function isSameNamespace(a: NewEntry, b: NewEntry): boolean {
  if (a.bootId !== b.bootId || a.netnsDevice !== b.netnsDevice || a.netnsInode !== b.netnsInode) return false;
  return a.netnsCookie === 0n || b.netnsCookie === 0n || a.netnsCookie === b.netnsCookie;
}

/** Identity in the entry of a lease that our IPAM gave for something other than a namespace. No namespace has these numbers. */
export const noNamespace = { device: 0n, inode: 0n } as const;

/**
 * True for such an entry: nothing proves its lease dead, not even a reboot, so only its DEL or GC releases it. (Entries
 * from the kernel or from reservations may lack the numbers, too, but they name no IPAM.)
 */
export function isWithoutNamespace({ netnsInode, ipamType }: NewEntry): boolean {
  return netnsInode === 0n && ipamType !== "";
}
