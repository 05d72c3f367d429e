/** `ns-net install` */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { command, UsageError } from "../command.ts";
import { agentLeft } from "../install/agentLeft.ts";
import { conflistOf } from "../install/conflist.ts";
import { dropIn, referenceNames } from "../install/dropIn.ts";
import { makeFolder, putText, Undo } from "../install/files.ts";
import { takeBack } from "../install/left.ts";
import { nextSteps } from "../install/nextSteps.ts";
import { launcherToInstall, putPrograms, removeFull } from "../install/programs.ts";
import { type Installed, keptFolder, readRecord, recordPath, sha256 } from "../install/record.ts";
import { refusedFiles } from "../install/refusedFiles.ts";
import { storeFolders } from "../install/stores.ts";
import { hasSystemd, putUnit, removeUnit, startUnit, unitFolderDefault } from "../install/unit.ts";
import { ownVersion } from "../ownVersion.ts";
import { networkOptions } from "./options.ts";

export const folders = {
  "bin-dir": { type: "string", value: "FOLDER", about: "where runtimes look for plugins (default /opt/cni/bin)" },
} as const;

export const binDirDefault = "/opt/cni/bin";
const confDirDefault = "/etc/cni/net.d";

export default command({
  about: "Put the plugin where container runtimes look for it, and write a network configuration.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    ...folders,
    "conf-dir": { type: "string", value: "FOLDER", about: `where configurations are kept (default ${confDirDefault})` },
    "drop-in": {
      type: "boolean",
      about: `also install under the names ${referenceNames.join(", ")}; existing plugins are kept aside`,
    },
    agent: {
      type: "boolean",
      about: "install the launcher, with the full executable beside it, and start the agent where systemd runs",
    },
    "no-agent": { type: "boolean", about: "install the executable alone again, and end the agent" },
    "unit-dir": {
      type: "string",
      value: "FOLDER",
      about: `where the agent's unit for systemd is kept (default ${unitFolderDefault})`,
    },
    "data-dir": networkOptions["data-dir"],
    "no-conf": { type: "boolean", about: "write no configuration" },
    name: { type: "string", value: "NAME", about: "the network's name (default podnet)" },
    bridge: { type: "string", value: "NAME", about: "the bridge (default cni0)" },
    subnet: {
      type: "string",
      value: "CIDR",
      about: "addresses for pods (may be given twice: IPv4 and IPv6; default: a free one)",
      multiple: true,
    },
    "pod-cidr": { type: "string", value: "CIDR,…|FILE", about: "the same, as Kubernetes writes it for a node" },
    range: { type: "string", value: "FIRST-LAST", about: "only these addresses of the subnet", multiple: true },
    mtu: { type: "string", value: "BYTES", about: "default: that of the default-route interface" },
    print: { type: "boolean", about: "print the configuration, and do nothing" },
  },
  more: `
  ns-net install --subnet 10.88.0.0/16       for containerd, CRI-O, podman, nomad
  ns-net install --drop-in --no-conf         the networks that are there, by ns-net
  ns-net install --pod-cidr "$POD_CIDR"      on a node of Kubernetes
  ns-net install --agent                     with the agent: an ADD takes a third of the time

An agent that is installed stays at the next install, which restarts it, unless --no-agent is given.`,

  async run({ options }) {
    const conflist = options["no-conf"] ? undefined : conflistOf(options);
    if (options.print) {
      if (!conflist)
        throw new UsageError(
          "--print and --no-conf exclude each other: one prints the configuration, the other writes none",
        );
      writeOut(conflist.text);
      return 0;
    }
    const binDir = resolve(options["bin-dir"] ?? binDirDefault);
    const confDir = resolve(options["conf-dir"] ?? confDirDefault);
    const confPath = conflist && join(confDir, `10-${conflist.name}.conflist`);
    const undo = new Undo();
    const wanted: Wanted = {
      binDir,
      confPath,
      text: conflist?.text ?? "",
      links: options["drop-in"] ?? false,
      agent: agentAsked(options),
      unitDir: options["unit-dir"] ?? unitFolderDefault,
    };
    let installed: { said: readonly string[]; record: Installed };
    try {
      installed = install(wanted, undo);
      undo.forget();
    } catch (error) {
      undo.run();
      throw error;
    }
    writeOut(`${installed.said.join("\n")}\n`);
    for (const line of takeBackAll(options["data-dir"], confDir, installed.record.links.length > 0))
      writeOut(`${line}\n`);
    if (installed.record.unit && hasSystemd()) {
      startUnit();
      writeOut("started the agent\n");
    } else for (const line of await agentLeft()) writeOut(`${line}\n`);
    if (wanted.links) for (const one of refusedFiles(confDir)) process.stderr.write(`ns-net: ${one}\n`);
    writeOut(`\n${nextSteps(binDir, confPath, installed.record)}`);
    return 0;
  },
});

/** In every store: takes back all that an earlier `uninstall` left to the reference. */
function takeBackAll(given: string | undefined, confDir: string, isServed: boolean): string[] {
  using kernel = openKernel();
  return storeFolders(given, confDir, kernel).flatMap((dataDir) => takeBack(dataDir, isServed));
}

/** Undefined: as it was. */
function agentAsked({ agent, "no-agent": none }: { agent?: boolean; "no-agent"?: boolean }): boolean | undefined {
  if (agent && none) throw new UsageError("--agent and --no-agent exclude each other");
  return none ? false : agent;
}

interface Wanted {
  readonly binDir: string;
  readonly confPath: string | undefined;
  /** The content of the configuration. */
  readonly text: string;
  readonly links: boolean;
  readonly agent: boolean | undefined;
  readonly unitDir: string;
}

function install({ binDir, confPath, text, links, agent, unitDir }: Wanted, undo: Undo) {
  const before = readRecord(binDir);
  const path = (agent ?? before?.hasLauncher) ? launcherToInstall() : undefined;
  makeFolder(binDir, undo);
  if (confPath) makeFolder(resolve(confPath, ".."), undo);
  refuseForeign(confPath, text, before);
  const said: string[] = [];
  said.push(...putPrograms(binDir, path, undo));
  const kept = links ? dropIn(binDir, undo) : [];
  if (links) said.push(`linked ${referenceNames.join(", ")}`);
  if (kept.length > 0) said.push(`kept ${kept.join(", ")} in ${keptFolder(binDir)}`);
  if (confPath) {
    undo.keep(confPath);
    putText(confPath, text);
    said.push(`wrote ${confPath}`);
  }
  let unit = path === undefined ? undefined : before?.unit;
  if (path !== undefined && hasSystemd()) {
    const put = putUnit(unitDir, binDir, unit, undo);
    unit = put.unit;
    said.push(put.said);
  }
  if (path === undefined && before?.hasLauncher) {
    if (before.unit) said.push(removeUnit(before.unit));
    said.push(...removeFull(binDir, undo));
  }
  const record: Installed = {
    version: 1,
    program: ownVersion,
    links: links ? referenceNames : (before?.links ?? []),
    ...(path !== undefined && { hasLauncher: true }),
    ...(unit && { unit }),
    ...(before?.conflist && { conflist: before.conflist }),
    ...(confPath && { conflist: { path: confPath, sha256: sha256(text) } }),
  };
  putText(recordPath(binDir), `${JSON.stringify(record, null, 2)}\n`);
  return { said, record };
}

/** Does not overwrite a configuration that ns-net did not write, or that was changed since. */
function refuseForeign(path: string | undefined, text: string, before: Installed | undefined): void {
  if (!path || !existsSync(path)) return;
  const there = readFileSync(path, "utf8");
  if (there === text || (before?.conflist?.path === path && before.conflist.sha256 === sha256(there))) return;
  throw new Fault(
    code.config,
    `Cannot write ${path}: it exists, and ns-net did not write it so`,
    "Give another --name, or --no-conf to leave it, or move it away",
  );
}
