/** `ns-net uninstall` */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
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
import { hostLocalFolder, type LeaseFolders, leaveLeases } from "../install/leases.ts";
import { type LeftLease, rememberLeft } from "../install/left.ts";
import { leftInUse, removedUnused } from "../install/leftovers.ts";
import { removeFull } from "../install/programs.ts";
import { type Installed, keptFolder, readRecord, recordPath, sha256 } from "../install/record.ts";
import { hostLocalFolders, refuseUnknownLinks, storeFolders } from "../install/stores.ts";
import { removeUnit } from "../install/unit.ts";
import { living } from "../living.ts";
import { configurationFolder } from "../network.ts";
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
    "conf-dir": {
      type: "string",
      value: "FOLDER",
      about: `where configurations are kept, which may name other stores (default ${configurationFolder})`,
    },
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
    const confDir = resolve(options["conf-dir"] ?? configurationFolder);
    const goesBack = record.links.includes("bridge") && existsSync(join(keptFolder(binDir), "bridge"));
    const stores = knownStores(options["data-dir"], confDir, options.force ?? false);
    const present = stores.flatMap(({ present }) => present);
    if (present.length > 0 && !goesBack && !options.force)
      throw refusal(
        present.map(({ attachment }) => attachment),
        ["exists", "exist"],
        "and no other plugin is installed that could remove what is left of them",
      );
    const bound = stores.flatMap(({ dataDir, present }) => withMoreThanLinks(present, dataDir));
    if (bound.length > 0 && !options.force)
      throw refusal(
        bound,
        ["has", "have"],
        "published ports, limits or rules of a firewall, which no other plugin would remove",
      );
    const folders = { given: options["lease-dir"], ofNetwork: hostLocalFolders(confDir) };
    const leave = () => leavingAll(stores, folders, goesBack);
    const removed: string[] = [];
    for (const { dataDir } of stores) removed.push(...(await removedUnused(dataDir)));
    const said = uninstall(binDir, record, leave, [...removed, ...leftInUse()]);
    writeOut(`${[...said, ...(await agentLeft())].join("\n")}\n`);
    return 0;
  },
});

interface KnownStore {
  readonly dataDir: string;
  /** Those that live. */
  readonly present: readonly Entry[];
}

/** Throws Fault for links that are in none of them, unless it is forced. */
function knownStores(given: string | undefined, confDir: string, isForced: boolean): KnownStore[] {
  using kernel = openKernel();
  const folders = storeFolders(given, confDir, kernel);
  if (!isForced) refuseUnknownLinks(folders, kernel);
  return folders.map((dataDir) => {
    const all = entries({ dataDir });
    return { dataDir, present: all.filter(living(all, kernel)) };
  });
}

/** The other attachments have their reservations and chains, unless the plugin that made them has deleted them. */
function leavingAll(stores: readonly KnownStore[], folders: LeaseFolders, goesBack: boolean): string[] {
  const leases: LeftLease[] = [];
  const said: string[] = [];
  for (const { dataDir, present } of stores) {
    const own = present.filter((entry) => adoptedStep(entry) === undefined);
    const written = leaveLeases(own, dataDir, folders);
    const made = goesBack ? leaveChains(own) : { chains: [], said: [] };
    rememberLeft(dataDir, written, made.chains);
    leases.push(...written);
    said.push(...made.said);
  }
  const many = `${leases.length} ${leases.length === 1 ? "lease" : "leases"}`;
  return [...(leases.length > 0 ? [`left ${many} for host-local`] : []), ...said];
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
