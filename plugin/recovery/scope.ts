/** Which attachments belong to a store that is rebuilt from the kernel. */
import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { dataDirOfAlias } from "../../kernel/ownership.ts";

export interface RebuildScope {
  /** The folder that the store is for. */
  readonly dataDir: string;
  /** The network being added. Its attachments are included even if their alias names another data folder. */
  readonly network?: string;
}

/** False for an attachment of another store, as its alias says. */
export function belongs(alias: string, network: string, scope: RebuildScope): boolean {
  const dataDir = dataDirOfAlias(alias);
  return dataDir === "" || network === scope.network || isSameFolder(dataDir, scope.dataDir);
}

function isSameFolder(a: string, b: string): boolean {
  return a === b || real(a) === real(b);
}

/** Without symbolic links, as far as the path exists. */
function real(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return join(real(dirname(whole)), basename(whole));
  }
}
