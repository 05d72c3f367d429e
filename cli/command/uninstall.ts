/** `ns-net uninstall` */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { defaultDataDir } from "../../conf/identity.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { committedSteps } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { outlivesLink } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { entries, openedStore } from "../attachments.ts";
import { command } from "../command.ts";
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
    "Undo install: remove the plugin, its configuration and the links, and restore the plugins that had their names.\nLeases of running pods are left as files of the reference's host-local.",
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
    if (present.length > 0 && !goesBack && !options.force) {
      throw new Fault(
        code.config,
        `Cannot uninstall: ${counted(present.length, "attachment exists", "attachments exist")}, and no other plugin is installed that could remove them`,
        "Stop their containers first (ns-net ls shows them), or give --force",
      );
    }
    const bound = withMoreThanLinks(present, dataDir);
    if (bound.length > 0 && !options.force) {
      const attachments = counted(bound.length, "attachment has", "attachments have");
      throw new Fault(
        code.config,
        `Cannot uninstall: ${attachments} published ports, limits or rules of a firewall, which no other plugin would remove`,
        "Stop their containers first (ns-net ls shows them), or give --force",
      );
    }
    const leave = () => leaveLeases(present, dataDir, options["lease-dir"]);
    const said = uninstall(binDir, record, leave, [...(await removedUnused(dataDir)), ...leftInUse()]);
    writeOut(`${said.join("\n")}\n`);
    return 0;
  },
});

function livingEntries(dataDir: string): Entry[] {
  using kernel = openKernel();
  const all = entries({ dataDir });
  return all.filter(living(all, kernel));
}

/**
 * Attachments that leave more than their link, by their own ADD or by chained plugins: a published port would lead to
 * the next container with that address.
 */
function withMoreThanLinks(all: readonly Entry[], dataDir: string): Entry[] {
  using store = openedStore(dataDir);
  return all.filter((entry) => committedSteps(entry, store).flat().some(outlivesLink));
}

/** Leases come first: as soon as host-local is back, a runtime may call it. */
function uninstall(
  binDir: string,
  { conflist, links, unit, hasLauncher }: Installed,
  leave: () => number,
  removed: readonly string[],
): string[] {
  const said: string[] = [...removed];
  const leases = leave();
  if (leases > 0) said.push(`left ${counted(leases, "lease", "leases")} for host-local`);
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

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function remove(path: string): void {
  touching(`remove ${path}`, "Run it as root", () => rmSync(path, { force: true }));
}
