/** Which attachments a store is made of that is made anew from the kernel. */
import { realpathSync } from "node:fs";
import { dataDirOfAlias } from "./names.ts";

export interface Making {
  /** The folder that the store is for. */
  readonly dataDir: string;
  /** Who has it made: its addresses are given out of it from now on, wherever they were given before. */
  readonly network?: string;
}

/** False for what is another store's, by what its link says of itself. */
export function belongs(alias: string, network: string, making: Making): boolean {
  const told = dataDirOfAlias(alias);
  return told === "" || network === making.network || isSameFolder(told, making.dataDir);
}

function isSameFolder(a: string, b: string): boolean {
  return a === b || real(a) === real(b);
}

/** Without links and doubled slashes; as it is where there is none. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
