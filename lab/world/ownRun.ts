/** A /run of the lab's own, for a machine whose /run has no folder of namespaces and which an ordinary user may not change. */
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { mount, mountFlag } from "../../sys/sysRare.ts";

const all = mountFlag.bind | mountFlag.recursive;

/** Mounts a new /run over the machine's, with all that is in it and the folder `name`. `place` is a path for a folder. */
export function mountOwnRun(place: string, name: string): void {
  mkdirSync(place);
  mount("tmpfs", place, "tmpfs", 0);
  for (const entry of readdirSync("/run")) link(join("/run", entry), join(place, entry));
  mkdirSync(join(place, name));
  mount(place, "/run", "none", all);
}

/** Leaves out an entry that cannot be mounted, such as a file that was just removed. */
function link(from: string, to: string): void {
  try {
    const found = lstatSync(from);
    if (found.isSymbolicLink()) {
      symlinkSync(readlinkSync(from), to);
      return;
    }
    if (found.isDirectory()) mkdirSync(to);
    else closeSync(openSync(to, "wx"));
    mount(from, to, "none", all);
  } catch {
    // The lab does not need it.
  }
}
