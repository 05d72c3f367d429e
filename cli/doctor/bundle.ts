/** Everything that a report of a bug needs, in one archive, without secrets. */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";
import { pluginsOf } from "../../explain/networks/configured.ts";
import { touching } from "../install/files.ts";
import { jsonOf } from "../namespaces/json.ts";
import { configurationFolder, everyConfiguration, filesIn } from "../network.ts";
import { ownVersion } from "../ownVersion.ts";
import { remembered, rememberedNames } from "../remembered.ts";
import { statusNow } from "../status/report.ts";
import type { Machine, Where } from "./machine.ts";
import { printedByPrograms } from "./programs.ts";
import { redacted } from "./redact.ts";

const about = `Written by ns-net doctor --bundle, to be attached to a report.

It has the checks, versions, links, addresses, routes, rules, the store's entries, sysctls, and the ends of logs: names
and addresses of this machine and of its containers. It has no environment of any process, no arguments of commands, and
no file of a user. In configurations, the values of keys that ns-net does not know read "(left out)".
missing.txt says what could not be read.
`;

/** Folders of /proc/sys whose files all go into the archive, and single ones. */
const settings = [
  ...["net/ipv4/conf/all", "net/ipv4/conf/default", "net/ipv6/conf/all", "net/ipv6/conf/default", "net/bridge"],
  ...["net/ipv4/neigh/default", "net/ipv6/neigh/default", "net/netfilter"],
];
const singleSettings = ["net/ipv4/ip_forward", "net/ipv4/ip_local_port_range", "user/max_net_namespaces", "fs/file-nr"];
/** A key of IPv6 that must stay secret (RFC 7217). */
const secretSettings = ["stable_secret"];

const logBytesMax = 256 * 1024;

/** Writes FILE, a new one that its owner alone may read. `report` is what --json prints. Throws Fault. */
export async function writeBundle(path: string, report: object, machine: Machine, where: Where): Promise<void> {
  const missing: string[] = [];
  const part = <T>(name: string, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const printed = printedByPrograms();
  const texts: Record<string, string | undefined> = {
    "about.txt": about,
    "doctor.json": json(report),
    "version.txt": `ns-net ${ownVersion}\n${part("version.txt", () => readFileSync("/etc/os-release", "utf8")) ?? ""}`,
    "status.json": json(await statusNow({ version: ownVersion, ...where })),
    "namespaces.json": part("namespaces.json", () => json(machine.namespaces.map(jsonOf))),
    "networks.json": part("networks.json", () => json(machine.networks)),
    "entries.json": part("entries.json", () => json(machine.entries)),
    "sysctls.txt": sysctls(),
    ...configurations(where.dataDir),
    ...logs(where.dataDir, missing),
    ...printed.texts,
  };
  texts["missing.txt"] = [...missing, ...printed.missing].map((line) => `${line}\n`).join("");
  const top = basename(path).replace(/(\.tar)?\.t?gz$/, "");
  const files = Object.entries(texts).flatMap(([name, text]) => (text === undefined ? [] : [[`${top}/${name}`, text]]));
  write(path, await new Bun.Archive(Object.fromEntries(files), { compress: "gzip" }).bytes());
}

function write(path: string, bytes: Uint8Array): void {
  if (existsSync(path))
    throw new Fault(code.io, `Cannot write ${path}: there is such a file`, "Name another file, or delete it first");
  touching(`write ${path}`, "Name a file in a folder where you may write", () => {
    const file = openSync(path, "wx", 0o600);
    try {
      writeFileSync(file, bytes);
    } catch (error) {
      rmSync(path); // the disk is full
      throw error;
    } finally {
      closeSync(file);
    }
  });
}

const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one), 2)}\n`;

/** Those of the folder, and those that were given to `add`. A file that cannot be parsed is left out whole. */
function configurations(dataDir: string): Record<string, string> {
  const found = filesIn(configurationFolder).map(({ path, configuration, mistake }) => {
    const name = `net.d/${basename(path)}`;
    return [name, configuration ? json(redacted(configuration)) : `left out whole: ${firstLine(mistake)}\n`] as const;
  });
  const given = rememberedNames(dataDir).flatMap((name) => {
    const kept = remembered(name, dataDir);
    return kept ? [[`networks/${name}.json`, json(redacted(kept.configuration))] as const] : [];
  });
  return Object.fromEntries([...found, ...given]);
}

/** A parser quotes the text that it does not understand on the lines below. */
const firstLine = (text: string) => text.split(/[\n:]/).slice(0, 2).join(":");

function sysctls(): string {
  const all = settings.flatMap((folder) => namesIn(`/proc/sys/${folder}`).map((name) => `${folder}/${name}`));
  return [...all, ...singleSettings]
    .filter((path) => !secretSettings.includes(basename(path)))
    .flatMap((path) => {
      try {
        return [`${path.replaceAll("/", ".")} = ${readFileSync(`/proc/sys/${path}`, "utf8").trim()}\n`];
      } catch {
        return []; // a folder, or one that can only be written
      }
    })
    .join("");
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** The ends of the logs of calls that configurations name (plugin/callLog.ts writes no secrets there). */
function logs(dataDir: string, missing: string[]): Record<string, string> {
  const plugins = everyConfiguration(dataDir).flatMap(({ configuration }) => pluginsOf(configuration));
  const paths = new Set(
    plugins.flatMap(({ type, log }) => (type === "ns-net" && typeof log === "string" ? [log] : [])),
  );
  return Object.fromEntries(
    [...paths].flatMap((path, i) => {
      try {
        return [[join("log", `${i}-${basename(path)}`), endOf(path)]];
      } catch (error) {
        missing.push(`${path}: ${(error as Error).message}`);
        return [];
      }
    }),
  );
}

/** Only lines that are an object of JSON with a verb: a configuration may name any file of the machine. */
function endOf(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, logBytesMax));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes
      .toString()
      .split("\n")
      .filter(isOfCallLog)
      .map((line) => `${line}\n`)
      .join("");
  } finally {
    closeSync(file);
  }
}

function isOfCallLog(line: string): boolean {
  try {
    const { time, verb, ms } = JSON.parse(line);
    return typeof time === "string" && typeof verb === "string" && typeof ms === "number";
  } catch {
    return false; // the first line may be cut
  }
}
