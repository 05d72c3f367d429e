/** The eight kinds of namespace (namespaces(7)): their names in /proc/PID/ns, and their numbers for setns and unshare. */

/** linux/sched.h, CLONE_NEW* */
export const namespaceKinds = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  mnt: 0x00020000,
  net: 0x40000000,
  pid: 0x20000000,
  time: 0x00000080,
  user: 0x10000000,
  uts: 0x04000000,
} as const;

export type NamespaceKind = keyof typeof namespaceKinds;

export function maskOf(kinds: Iterable<NamespaceKind>): number {
  let mask = 0;
  for (const kind of kinds) mask |= namespaceKinds[kind];
  return mask;
}
