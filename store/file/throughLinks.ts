/** Folders below symbolic links, such as /var/run/…, where /var/run leads to /run. Loaded if SQLite refuses one. */
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * The real path of the folder. Undefined if the folder itself is a link, or if another user owns a link on the way: the
 * owner of a link decides where the store is.
 */
export function folderThroughLinks(dataDir: string): string | undefined {
  const folder = resolve(dataDir);
  if (lstatSync(folder).isSymbolicLink() || !linksOf(dirname(folder)).every(isTrusted)) return undefined;
  return realpathSync(folder);
}

const isTrusted = (link: string) => [0, process.geteuid!()].includes(lstatSync(link).uid);

const linksMax = 40;

/** All links on the way to a folder, including those on the way of a link's target. */
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
