/**
 * A store that is gone while its links exist, or that is elsewhere: every command would say that nothing is attached, which
 * is wrong.
 */
import { existsSync } from "node:fs";
import { defaultDataDir } from "../conf/identity.ts";
import { openKernel } from "../kernel/kernel.ts";
import { dataDirOfAlias } from "../kernel/ownership.ts";
import { everyHostEnd, linksOf } from "../plugin/recovery/rebuild.ts";
import { shellWord } from "../step/shellWords.ts";
import { storePathOf } from "../store/file/path.ts";

/** A sentence with the cure; undefined if there is a store, or no link. */
export function lostHint(dataDir = defaultDataDir): string | undefined {
  if (existsSync(storePathOf(dataDir))) return undefined;
  using kernel = openKernel();
  const links = linksOf({ dataDir }, kernel).length;
  if (links === 0) return undefined;
  const exist = links === 1 ? "a link of ns-net exists" : `${links} links of ns-net exist`;
  const where = dataDir === defaultDataDir ? "" : ` --data-dir ${dataDir}`;
  return `There is no store in ${dataDir}, but ${exist}: to rebuild the store from the kernel, run: ns-net repair${where}`;
}

/** Prints that sentence where a command finds nothing attached. True if it did. */
export function reportLost(dataDir: string | undefined): boolean {
  const hint = lostHint(dataDir);
  if (hint) process.stderr.write(`ns-net: ${hint}\n`);
  return hint !== undefined;
}

/** Where a command finds nothing attached: prints which other stores have attachments, by their links. */
export function reportElsewhere(dataDir = defaultDataDir): void {
  using kernel = openKernel();
  const counts = new Map<string, number>();
  for (const { alias = "" } of everyHostEnd(kernel)) {
    const folder = dataDirOfAlias(alias);
    if (folder !== "" && folder !== dataDir) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  for (const [folder, count] of counts) {
    if (!existsSync(storePathOf(folder))) continue;
    const links = count === 1 ? "a link of ns-net is" : `${count} links of ns-net are`;
    process.stderr.write(`ns-net: ${links} in the store ${folder}: ns-net ls --data-dir ${shellWord(folder)}\n`);
  }
}
