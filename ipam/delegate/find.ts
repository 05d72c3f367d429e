/** Finds a plugin's executable: the first folder of CNI_PATH that has it (SPEC.md, "Delegated Plugins"). */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { badConfig, code, Fault } from "../../conf/fault.ts";

/** Throws Fault (code 7) if no folder has it, if the name is a path, or if it is this program itself. */
export function findPlugin(name: string, folders: readonly string[]): string {
  if (name === "" || name.includes("/")) throw badConfig("ipam.type", name, "the name of a plugin, without a folder");
  const path = pathOf(name, folders);
  if (path === undefined) {
    throw new Fault(
      code.config,
      `Cannot find IPAM plugin ${JSON.stringify(name)} in ${folders.length > 0 ? folders.join(", ") : "an empty CNI_PATH"}`,
      "Install it there, or set ipam.type to ns-net, host-local or static, which need no other program",
    );
  }
  // It would read the same configuration and call itself without end.
  if (isThisProgram(path)) throw badConfig("ipam.type", name, `another plugin: ${path} is ns-net itself`);
  return path;
}

export function isInstalled(name: string, folders: readonly string[]): boolean {
  return pathOf(name, folders) !== undefined;
}

function pathOf(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isThisProgram(path: string): boolean {
  const [own, other] = [statSync("/proc/self/exe"), statSync(path)];
  return own.dev === other.dev && own.ino === other.ino;
}
