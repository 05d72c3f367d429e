/** A store that is gone while its links exist: every command would say that nothing is attached, which is wrong. */
import { existsSync } from "node:fs";
import { defaultDataDir } from "../conf/identity.ts";
import { openKernel } from "../kernel/kernel.ts";
import { linksOf } from "../plugin/recovery/rebuild.ts";
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
