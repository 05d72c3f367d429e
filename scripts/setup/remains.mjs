/** Removes what builds and releases that were killed left in a folder. Its names contain the process id. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const remains = /^ns-net-(?:build|release|launcher)\.(\d+)$/;

export function removeRemains(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = remains.exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
