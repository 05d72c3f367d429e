/** The eight kinds of namespace (namespaces(7)): their names in /proc/PID/ns, and their numbers for setns and unshare. */
import { namespaceKind } from "../libc.ts";

/** linux/sched.h, CLONE_NEW* */
export const namespaceKinds = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  mnt: namespaceKind.mount,
  net: namespaceKind.net,
  pid: 0x20000000,
  time: 0x00000080,
  user: namespaceKind.user,
  uts: 0x04000000,
} as const;

export type NamespaceKind = keyof typeof namespaceKinds;

export function maskOf(kinds: Iterable<NamespaceKind>): number {
  let mask = 0;
  for (const kind of kinds) mask |= namespaceKinds[kind];
  return mask;
}
