/** Sets a broken store aside, for whoever wants to see what happened to it. */
import { existsSync, renameSync } from "node:fs";
import { guarded } from "./failure.ts";
import { busyTimeoutMsDefault } from "./limits.ts";
import { storePathOf } from "./path.ts";

/** `/var/lib/ns-net/ns-net.sqlite.broken-20260131T120000Z` */
export function asideName(path: string, why: "broken" | "old"): string {
  return `${path}.${why}-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * Where it is now. The log goes first: a new store must never find an old log beside it, and without its log the old
 * one is as broken as it was.
 */
export function setAside(dataDir: string): string {
  const path = storePathOf(dataDir);
  const aside = asideName(path, "broken");
  guarded({ path, busyTimeoutMs: busyTimeoutMsDefault }, () => {
    for (const suffix of ["-wal", "-shm", ""]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  });
  return aside;
}
