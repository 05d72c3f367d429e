/** Whether a generated file is newer than its sources. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Folders of generated files, whose age does not matter. */
const generated = new Set(["generated", "node_modules", "dist"]);

/**
 * The latest change below `path` in milliseconds; 0 if it does not exist. Folders count, too: deleting a file changes
 * its folder.
 */
function changedMs(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  const inside = readdirSync(path).filter((name) => !generated.has(name));
  const holdsGenerated = readdirSync(path).length !== inside.length;
  return inside.reduce(
    (latest, name) => Math.max(latest, changedMs(join(path, name))),
    holdsGenerated ? 0 : stat.mtimeMs,
  );
}

/** True if `output` is missing or older than a source. */
export function isOlder(output, sources) {
  const stat = statSync(output, { throwIfNoEntry: false });
  return stat === undefined || sources.some((source) => changedMs(source) > stat.mtimeMs);
}
