/** `ns-net uninstall` */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { defaultDataDir } from "../../conf/identity.ts";
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { writeOut } from "../../plugin/stdio.ts";
import type { Entry } from "../../store/entry.ts";
import { entries } from "../attachments.ts";
import { command } from "../command.ts";
import { agentLeft } from "../install/agentLeft.ts";
import { refusal, withMoreThanLinks } from "../install/bound.ts";
import { leaveChains } from "../install/chains.ts";
import { putBack } from "../install/dropIn.ts";
import { touching } from "../install/files.ts";
import { hostLocalFolder, leaveLeases } from "../install/leases.ts";
import { leftInUse, removedUnused } from "../install/leftovers.ts";
import { removeFull } from "../install/programs.ts";
import { type Installed, keptFolder, readRecord, recordPath, sha256 } from "../install/record.ts";
import { removeUnit } from "../install/unit.ts";
import { living } from "../living.ts";
import { binDirDefault, folders } from "./install.ts";
import { networkOptions } from "./options.ts";

export default command({
  about:
    "Undo install: remove the plugin, its configuration and the links, and restore the plugins that had their names.\nLeases of running pods are left as files of the reference's host-local, and the chains that its bridge looks for.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    ...folders,
    "data-dir": networkOptions["data-dir"],
    "lease-dir": {
      type: "string",
      value: "FOLDER",
      about: `where host-local keeps leases (default ${hostLocalFolder})`,
    },
    force: { type: "boolean", about: "even if running pods need the plugin for their removal" },
  },

  async run({ options }) {
    const binDir = resolve(options["bin-dir"] ?? binDirDefault);
    const record = readRecord(binDir);
    if (!record) {
      writeOut(`Nothing to uninstall: no ns-net was installed in ${binDir}.\n`);
      return 0;
    }
    const dataDir = options["data-dir"] ?? defaultDataDir;
    const present = livingEntries(dataDir);
    const goesBack = record.links.includes("bridge") && existsSync(join(keptFolder(binDir), "bridge"));
    if (present.length > 0 && !goesBack && !options.force)
      throw refusal(
        present.map(({ attachment }) => attachment),
        ["exists", "exist"],
        "and no other plugin is installed that could remove what is left of them",
      );
    const bound = withMoreThanLinks(present, dataDir);
    if (bound.length > 0 && !options.force)
      throw refusal(
        bound,
        ["has", "have"],
        "published ports, limits or rules of a firewall, which no other plugin would remove",
      );
    // The other ones have their reservations and chains, unless the plugin that made them has deleted them.
    const own = present.filter((entry) => adoptedStep(entry) === undefined);
    const leave = () => [...leavingLeases(own, dataDir, options["lease-dir"]), ...(goesBack ? leaveChains(own) : [])];
    const said = uninstall(binDir, record, leave, [...(await removedUnused(dataDir)), ...leftInUse()]);
    writeOut(`${[...said, ...(await agentLeft())].join("\n")}\n`);
    return 0;
  },
});

function livingEntries(dataDir: string): Entry[] {
  using kernel = openKernel();
  const all = entries({ dataDir });
  return all.filter(living(all, kernel));
}

function leavingLeases(...what: Parameters<typeof leaveLeases>): string[] {
  const leases = leaveLeases(...what);
  return leases > 0 ? [`left ${leases} ${leases === 1 ? "lease" : "leases"} for host-local`] : [];
}

/** Leases come first: as soon as host-local is back, a runtime may call it. */
function uninstall(
  binDir: string,
  { conflist, links, unit, hasLauncher }: Installed,
  leave: () => readonly string[],
  removed: readonly string[],
): string[] {
  const said: string[] = [...removed];
  said.push(...leave());
  if (conflist && existsSync(conflist.path)) {
    const isOurs = sha256(readFileSync(conflist.path, "utf8")) === conflist.sha256;
    if (isOurs) remove(conflist.path);
    said.push(isOurs ? `removed ${conflist.path}` : `left ${conflist.path}: it was changed since`);
  }
  const back = putBack(binDir, links);
  if (back.length > 0) said.push(`put back ${back.join(", ")}`);
  if (unit) said.push(removeUnit(unit));
  remove(join(binDir, "ns-net"));
  said.push(`removed ${join(binDir, "ns-net")}`);
  if (hasLauncher) said.push(...removeFull(binDir));
  remove(recordPath(binDir));
  return said;
}

function remove(path: string): void {
  touching(`remove ${path}`, "Run it as root", () => rmSync(path, { force: true }));
}
