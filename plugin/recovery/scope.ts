/** Which attachments a store is made of that is made anew from the kernel. */
import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { dataDirOfAlias } from "../../kernel/ownership.ts";

export interface RebuildScope {
  /** The folder that the store is for. */
  readonly dataDir: string;
  /** Who has it made: its addresses are given out of it from now on, wherever they were given before. */
  readonly network?: string;
}

/** False for what is another store's, by what its link says of itself. */
export function belongs(alias: string, network: string, making: RebuildScope): boolean {
  const told = dataDirOfAlias(alias);
  return told === "" || network === making.network || isSameFolder(told, making.dataDir);
}

function isSameFolder(a: string, b: string): boolean {
  return a === b || real(a) === real(b);
}

/** Without links and needless slashes, so far as it is there. */
function real(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return join(real(dirname(whole)), basename(whole));
  }
}
