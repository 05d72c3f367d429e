/** Folders that are reached through symbolic links, such as /var/run/…, where /var/run leads to /run. Loaded when SQLite refuses one. */
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * The folder without links, if only root or this user can have made them: whoever makes a link decides where the store
 * is. Undefined where another user owns one, or the folder itself is one.
 */
export function folderThroughLinks(dataDir: string): string | undefined {
  const folder = resolve(dataDir);
  if (lstatSync(folder).isSymbolicLink() || !linksOf(dirname(folder)).every(isTrusted)) return undefined;
  return realpathSync(folder);
}

const isTrusted = (link: string) => [0, process.geteuid!()].includes(lstatSync(link).uid);

const linksMax = 40;

/** Every link on the way to a folder, those included that a link leads through. */
function linksOf(folder: string): string[] {
  const links: string[] = [];
  let pending = folder.split("/").filter(Boolean);
  let reached = "/";
  while (pending.length > 0 && links.length < linksMax) {
    const next = join(reached, pending[0]!);
    pending = pending.slice(1);
    if (!lstatSync(next).isSymbolicLink()) reached = next;
    else {
      links.push(next);
      const target = resolve(reached, readlinkSync(next));
      pending = [...target.split("/").filter(Boolean), ...pending];
      reached = "/";
    }
  }
  return links;
}
