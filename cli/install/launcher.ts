/** The launcher, as the build and install lay it down. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ownType } from "../../conf/pluginType.ts";

/** The name of the full executable where the launcher has its name. agent/launcher/launcher.c knows it, too. */
export const fullName = "ns-net-full";

/** The launcher has less than a megabyte, and the full executable a hundred. */
const launcherBytesMax = 8 * 1024 * 1024;

/** The version in the launcher's bytes; undefined for any other file, and for none. */
export function launcherVersion(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile() || stat.size > launcherBytesMax) return undefined;
  return /\0ns-net-launcher ([\w.+-]+)\0/.exec(readFileSync(path, "latin1"))?.[1];
}

/**
 * The launcher that came with this executable: beside it in a build or an archive, or in its place where both are
 * installed. Undefined if there is none.
 */
export function launcherOf(executable: string): string | undefined {
  const folder = dirname(executable);
  const places = [
    join(folder, "ns-net-launcher"),
    ...(basename(executable) === fullName ? [join(folder, ownType)] : []),
  ];
  return places.find((path) => existsSync(path) && launcherVersion(path) !== undefined);
}
