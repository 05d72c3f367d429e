/** The machine and the versions of a measurement, in one line. */
import { readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { resolve } from "node:path";

/** The folder of Debian's package of the standard plugins, which print no version of their own. */
const debianFolder = "/usr/lib/cni";

export function machineText(reference: string): string {
  const all = cpus();
  const cores = all.length === 1 ? "1 core" : `${all.length} cores`;
  const model = all[0]?.model ?? "an unknown processor";
  const where = isVirtual() ? " in a virtual machine" : "";
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, Linux ${release()}, ${cores} of ${model}${where}, standard plugins ${versionOf(resolve(reference))}`;
}

/** The processor says so (CPUID, bit 31 of leaf 1). */
const isVirtual = () => /^flags\s*:.*\bhypervisor\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));

function versionOf(folder: string): string {
  const said = Bun.spawnSync([`${folder}/bridge`], { stdin: "ignore", stderr: "pipe" }).stderr.toString();
  const own = /plugin v?(\d\S*)/.exec(said)?.[1];
  if (own !== undefined || folder !== debianFolder) return own ?? "of an unknown version";
  const query = ["dpkg-query", "--status", "containernetworking-plugins"];
  const status = Bun.which(query[0]!) ? Bun.spawnSync(query).stdout.toString() : "";
  const version = /^Version: (.*)$/m.exec(status)?.[1] ?? "";
  return version === "" ? "of an unknown version" : `${version.replace(/[+~-].*/, "")} of Debian`;
}
