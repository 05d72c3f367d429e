/** Files in the folder of configurations that no runtime can use, or that another one hides. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../../conf/fault.ts";
import { parseStatus } from "../../../conf/parse.ts";
import { ownType } from "../../../conf/pluginType.ts";
import { pluginsOf } from "../../networks/configured.ts";
import { type Check, type Finding, fail, ok, warn } from "../finding.ts";
import type { ConfigurationFile, Patient } from "../patient.ts";

/** Where runtimes look for executables: by the specification, and by distributions. */
const otherFolders = ["/usr/lib/cni", "/usr/libexec/cni", "/usr/local/libexec/cni", "/usr/local/lib/cni"];
/** Runtimes read no YAML; ns-net does. */
const runtimesRead = /\.(conf|conflist|json)$/;

export const configurations: Check = {
  id: "configurations",
  run(patient) {
    const { files } = patient;
    if (files.length === 0) return [ok("there is no configuration for runtimes; ns-net add needs none")];
    const found = files.flatMap((file) => [...wrongIn(file, patient), ...hidden(file, files)]);
    if (found.length > 0) return found;
    const first = files.find(({ path }) => runtimesRead.test(path));
    const count = files.length === 1 ? "1 file" : `${files.length} files`;
    return [ok(`${count}, none broken${first ? `; runtimes take ${first.path} by default` : ""}`)];
  },
};

function wrongIn(file: ConfigurationFile, patient: Patient): Finding[] {
  const { path, configuration, mistake } = file;
  const aside = `mv ${path} ${path}.broken`;
  if (configuration === undefined)
    return [fail(`${path} is broken: ${mistake}`, `Correct it, or move it away: ${aside}`)];
  const { name, plugins, type } = configuration;
  if (typeof name !== "string" || name === "")
    return [fail(`${path} has no name`, `Add the key name, or move it away: ${aside}`)];
  if (plugins === undefined ? typeof type !== "string" : !Array.isArray(plugins) || plugins.length === 0)
    return [fail(`${path} names no plugin`, `Add the key plugins, a list, or move it away: ${aside}`)];
  return pluginsOf(configuration).flatMap((plugin) => [
    ...refused(path, plugin, String(name)),
    ...withoutExecutable(path, plugin["type"], patient),
  ]);
}

/** As ns-net itself reads it. */
function refused(path: string, plugin: Readonly<Record<string, unknown>>, name: string): Finding[] {
  if (plugin["type"] !== ownType) return [];
  // STATUS exists since 1.1.0, and the version changes nothing of the keys.
  const text = JSON.stringify({ ...plugin, cniVersion: "1.1.0", name });
  try {
    parseStatus({ CNI_COMMAND: "STATUS", CNI_PATH: "/" }, new TextEncoder().encode(text));
    return [];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [fail(`${path}: ${error.sentence(byHand)}`, error.cure(byHand))];
  }
}

const byHand = { byHand: true };

function withoutExecutable(path: string, type: unknown, { binDir }: Patient): Finding[] {
  const folders = [binDir, ...otherFolders].filter((folder) => existsSync(folder));
  // By hand, ns-net needs no executable in these folders.
  if (type === ownType || folders.length === 0 || folders.some((folder) => existsSync(join(folder, String(type)))))
    return [];
  return [
    warn(
      `${path} names the plugin ${String(type)}, and there is no such executable in ${folders.join(", ")}`,
      `Install it in ${binDir}, or take it out of the file`,
    ),
  ];
}

function hidden({ path, configuration }: ConfigurationFile, files: readonly ConfigurationFile[]): Finding[] {
  const name = configuration?.["name"];
  if (typeof name !== "string") return [];
  const first = files.find((one) => one.configuration?.["name"] === name)!;
  if (first.path === path) return [];
  return [
    warn(
      `${path} is never used: ${first.path} comes before it and has the same name ${name}`,
      `Name it otherwise, or move it away: mv ${path} ${path}.unused`,
    ),
  ];
}
