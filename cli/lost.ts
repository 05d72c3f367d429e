/** A store that is gone while its links stand: to whoever asks it, nothing is attached, and that is not so. */
import { existsSync } from "node:fs";
import { defaultDataDir } from "../conf/identity.ts";
import { openKernel } from "../kernel/kernel.ts";
import { linksOf } from "../plugin/recovery/rebuild.ts";
import { storePathOf } from "../store/file/path.ts";

/** A sentence with the cure; undefined where there is a store, or nothing stands. */
export function lostHint(dataDir = defaultDataDir): string | undefined {
  if (existsSync(storePathOf(dataDir))) return undefined;
  using kernel = openKernel();
  const standing = linksOf({ dataDir }, kernel).length;
  if (standing === 0) return undefined;
  const [links, them] =
    standing === 1 ? ["a link of ns-net stands", "it"] : [`${standing} links of ns-net stand`, "them"];
  const where = dataDir === defaultDataDir ? "" : ` --data-dir ${dataDir}`;
  return `There is no store in ${dataDir}, and ${links}: to make one anew from ${them}, run: ns-net repair${where}`;
}

/** Told where the answer is that nothing is attached. True when it was. */
export function tellLost(dataDir: string | undefined): boolean {
  const hint = lostHint(dataDir);
  if (hint) process.stderr.write(`ns-net: ${hint}\n`);
  return hint !== undefined;
}
