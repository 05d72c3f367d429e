/** Files in the folder of configurations that no runtime can use, or that another one hides. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ownType } from "../../../conf/pluginType.ts";
import { pluginsOf, runtimesRead } from "../../networks/configured.ts";
import { type Refusal, refusalsOf, typesOf } from "../../networks/refusals.ts";
import { type Check, type Finding, fail, ok, warn } from "../finding.ts";
import type { ConfigurationFile, Patient } from "../patient.ts";

/** Where runtimes look for executables: by the specification, and by distributions. */
const otherFolders = ["/usr/lib/cni", "/usr/libexec/cni", "/usr/local/libexec/cni", "/usr/local/lib/cni"];

export const configurations: Check = {
  id: "configurations",
  run(patient) {
    const { files } = patient;
    if (files.length === 0) return [ok("there is no configuration for runtimes; ns-net add needs none")];
    const first = files.find(({ path }) => runtimesRead.test(path));
    return files.flatMap((file) => {
      const found = [...wrongIn(file, patient), ...hidden(file, files)];
      return found.length > 0
        ? found
        : [ok(`${file.path}${file === first ? ", which runtimes take by default," : ""} ${servedText(file, patient)}`)];
    });
  },
};

/** Who runs its plugins, before and after an install under their names. */
function servedText({ configuration = {} }: ConfigurationFile, { isServed }: Patient): string {
  const { served, others } = typesOf({ configuration });
  const now = served.filter((type) => type === ownType || isServed(type));
  const later = served.filter((type) => !now.includes(type));
  const parts = [
    now.length > 0 && `is served by ns-net: ${now.join(", ")}`,
    later.length > 0 && `can be served by ns-net as it is (install --drop-in): ${later.join(", ")}`,
    others.length > 0 && `has plugins that ns-net does not replace: ${others.join(", ")}`,
  ];
  return parts.filter(Boolean).join("; ");
}

function wrongIn(file: ConfigurationFile, patient: Patient): Finding[] {
  const { path, configuration, mistake, notJson } = file;
  const aside = `mv ${path} ${path}.broken`;
  if (configuration === undefined)
    return [fail(`${path} is broken: ${mistake}`, `Correct it, or move it away: ${aside}`)];
  if (notJson !== undefined)
    return [fail(`${path} is no JSON, which runtimes need: ${notJson}`, `Correct it, or move it away: ${aside}`)];
  const { name, plugins, type } = configuration;
  if (typeof name !== "string" || name === "")
    return [fail(`${path} has no name`, `Add the key name, or move it away: ${aside}`)];
  if (plugins === undefined ? typeof type !== "string" : !Array.isArray(plugins) || plugins.length === 0)
    return [fail(`${path} names no plugin`, `Add the key plugins, a list, or move it away: ${aside}`)];
  return [
    ...refusalsOf({ configuration }).map((one) => refused(path, one, patient)),
    ...pluginsOf(configuration).flatMap((plugin) => withoutExecutable(path, plugin["type"], patient)),
  ];
}

/** An error where ns-net runs now, and a warning where an install under that name would make it run. */
function refused(path: string, { type, fault }: Refusal, { isServed }: Patient): Finding {
  const sentence = fault.sentence(byHand);
  if (type === ownType || isServed(type)) return fail(`${path}: ${sentence}`, fault.cure(byHand));
  return warn(
    `${path}: ns-net would refuse ${type}, if install --drop-in put it in its place: ${sentence}`,
    `Before that: ${fault.cure(byHand)}`,
  );
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
