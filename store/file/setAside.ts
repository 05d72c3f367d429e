/** Moves a damaged store aside, so that its contents can be examined. */
import { existsSync, renameSync } from "node:fs";
import { guarded } from "./failure.ts";
import { busyTimeoutMsDefault } from "./limits.ts";
import { storePathOf } from "./path.ts";

/** `/var/lib/ns-net/ns-net.sqlite.broken-20260131T120000Z` */
export function asideName(path: string, why: "broken" | "old"): string {
  return `${path}.${why}-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * Answers its new path. Moves the log first: a new store must not find an old log beside it, and the old store is damaged
 * anyway.
 */
export function setAside(dataDir: string): string {
  const path = storePathOf(dataDir);
  const aside = asideName(path, "broken");
  guarded({ path, busyTimeoutMs: busyTimeoutMsDefault }, () => {
    for (const suffix of ["-wal", "-shm", ""]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  });
  return aside;
}
