import type { NewEntry } from "./entry.ts";

/** True when two entries are of one namespace in one boot: a path can be made anew, an inode number be used again after a boot. */
export function isSameNamespace(a: NewEntry, b: NewEntry): boolean {
  if (a.bootId !== b.bootId || a.netnsDevice !== b.netnsDevice || a.netnsInode !== b.netnsInode) return false;
  return a.netnsCookie === 0n || b.netnsCookie === 0n || a.netnsCookie === b.netnsCookie;
}

/** What an entry says whose lease an IPAM of ours gave for something that is no namespace. No namespace has these numbers. */
export const noNamespace = { device: 0n, inode: 0n } as const;

/**
 * True for such an entry: nothing can be seen that would prove its lease dead, not even a boot, so it stays until whoever
 * asked for it gives it back. (Entries made from the kernel or from reservations may lack the numbers, too; they say no IPAM.)
 */
export function isWithoutNamespace({ netnsInode, ipamType }: NewEntry): boolean {
  return netnsInode === 0n && ipamType !== "";
}
