/**
 * Links with the names of the reference's plugins that lead to ns-net. Existing plugins are kept, and restored later.
 */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { ownType, pluginTypes } from "../../conf/pluginType.ts";
import { putLink, touching, type Undo } from "./files.ts";
import { keptFolder } from "./record.ts";

/**
 * host-local comes first: a bridge of the reference that runs meanwhile then calls ours, which knows the addresses of
 * our bridge.
 */
export const referenceNames: readonly string[] = pluginTypes
  .filter((name) => name !== ownType)
  .sort((a, b) => Number(b === "host-local") - Number(a === "host-local"));

function isOurs(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink() && readlinkSync(path) === ownType;
  } catch {
    return false;
  }
}

/** Creates the links. No name is ever missing, because pods may come and go meanwhile. Answers the kept names. */
export function dropIn(binDir: string, undo: Undo): string[] {
  const kept: string[] = [];
  for (const name of referenceNames) {
    const path = join(binDir, name);
    if (isOurs(path)) continue;
    undo.add(() => putBack(binDir, [name]));
    if (existsSync(path)) {
      touching(`keep ${path} aside`, "See who may write there", () => {
        mkdirSync(keptFolder(binDir), { recursive: true, mode: 0o755 });
        rmSync(join(keptFolder(binDir), name), { force: true });
        linkSync(path, join(keptFolder(binDir), name));
      });
      kept.push(name);
    }
    putLink(path, ownType);
  }
  return kept;
}

/** True if the kept plugin is also still in its place. */
function isSameFile(path: string, kept: string): boolean {
  return existsSync(kept) && statSync(path).ino === statSync(kept).ino;
}

/** Restores the kept plugins and removes the other links. Answers the restored names. */
export function putBack(binDir: string, names: readonly string[]): string[] {
  const folder = keptFolder(binDir);
  const back = names.filter((name) => {
    const [path, kept] = [join(binDir, name), join(folder, name)];
    // If the reference was installed over our link, that plugin stays.
    if (existsSync(path) && !isOurs(path)) {
      if (isSameFile(path, kept)) rmSync(kept);
      return false;
    }
    if (existsSync(kept)) {
      touching(`put ${path} back`, `It is still in ${folder}`, () => renameSync(kept, path));
      return true;
    }
    touching(`remove ${path}`, "See who may write there", () => rmSync(path, { force: true }));
    return false;
  });
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
  return back;
}
