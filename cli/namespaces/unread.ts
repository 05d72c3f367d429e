/** Reports namespaces that this user may not enter, because their links are missing from what a command prints. */
import type { Namespace } from "../../explain/namespaces/everyNamespace.ts";

export function reportUnread(all: readonly Namespace[]): void {
  const unread = all.filter(({ isRead }) => !isRead).length;
  if (unread === 0) return;
  const what = unread === 1 ? "1 namespace" : `${unread} namespaces`;
  process.stderr.write(`ns-net: the links of ${what} are missing, because entering a namespace needs root\n`);
}
