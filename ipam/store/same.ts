import type { NewEntry } from "../store.ts";

/** True when two entries are of one namespace in one boot: a path can be made anew, an inode number be used again after a boot. */
export function isSameNamespace(a: NewEntry, b: NewEntry): boolean {
  return a.bootId === b.bootId && a.netnsDevice === b.netnsDevice && a.netnsInode === b.netnsInode;
}
