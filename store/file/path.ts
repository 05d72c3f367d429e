/** The path of the store's file, and the flags to open it. */

import { constants } from "bun:sqlite";

/** Not through symbolic links: SQLITE_OPEN_NOFOLLOW, https://sqlite.org/c3ref/open.html. Bun's constants lack it. */
export const openFlags = constants.SQLITE_OPEN_READWRITE | 0x0100_0000;

export function storePathOf(dataDir: string): string {
  return `${dataDir}${dataDir.endsWith("/") ? "" : "/"}ns-net.sqlite`;
}
