/**
 * The executable in its place, alone or behind the launcher. Runtimes call it meanwhile, so at each moment the name
 * `ns-net` is a program that works: what a launcher needs is there before the launcher, and goes after it.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { ownType } from "../../conf/pluginType.ts";
import { ownVersion } from "../ownVersion.ts";
import { putProgram, touching, type Undo } from "./files.ts";
import { fullName, launcherOf, launcherVersion } from "./launcher.ts";

/** The path of the launcher of this version. Throws Fault if there is none. */
export function launcherToInstall(): string {
  const path = launcherOf(process.execPath);
  const alone = "or give --no-agent for the executable alone";
  if (path === undefined)
    throw new Fault(
      code.io,
      `Cannot install the agent: no ns-net-launcher lies beside ${process.execPath}`,
      `Run install by the executable of a release, or of a build where there is a C compiler; ${alone}`,
    );
  const version = launcherVersion(path);
  if (version === ownVersion) return path;
  throw new Fault(
    code.io,
    `Cannot install the agent: ${path} is of version ${version}, and this is ${ownVersion}`,
    `Take both from one build, ${alone}`,
  );
}

/** Lays down the executable, and the launcher before it if there is one. Answers lines for a person. */
export function putPrograms(binDir: string, launcher: string | undefined, undo: Undo): string[] {
  const put = (name: string, from: string) => {
    const path = join(binDir, name);
    const said = `${existsSync(path) ? "replaced" : "wrote"} ${path}`;
    undo.keep(path);
    putProgram(path, from);
    return said;
  };
  const own = process.execPath;
  return launcher === undefined ? [put(ownType, own)] : [put(fullName, own), `${put(ownType, launcher)}, the launcher`];
}

/** Removes the executable behind a launcher that is gone. A launcher that still runs has it open. */
export function removeFull(binDir: string, undo?: Undo): string[] {
  const path = join(binDir, fullName);
  if (!existsSync(path)) return [];
  undo?.keep(path);
  touching(`remove ${path}`, "Run it as root", () => rmSync(path, { force: true }));
  return [`removed ${path}`];
}
