/** Finds the network that a person names: the built-in one, a file, or a name among the configurations of this host. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { code, Fault } from "../conf/fault.ts";
import { defaultDataDir } from "../conf/identity.ts";
import { nearest } from "../conf/nearest.ts";
import { isContainerLink, pluginTypes } from "../conf/pluginType.ts";
import { runtimesRead } from "../explain/networks/configured.ts";
import { remember, remembered, rememberedNames } from "./remembered.ts";
import defer * as yaml from "./yaml.ts";

type Json = Record<string, unknown>;

/** The folder of CNI configurations (the default of containerd, CRI-O and podman). */
export const configurationFolder = "/etc/cni/net.d";

/** The network of `ns-net add NAME` without any configuration. Its subnet is chosen at the first use and remembered. */
export const defaultNetwork: Json = {
  cniVersion: "1.1.0",
  name: "ns-net",
  type: "ns-net",
  bridge: "nsnet0",
  isDefaultGateway: true,
  ipMasq: true,
};

const fileBytesMax = 1024 * 1024;
const fileEndings = /\.(conf|conflist|json|ya?ml)$/;
const defaultVersion = "1.1.0";

/**
 * The configuration of a plugin as a runtime would write it to standard input. For a list it is that of one plugin, and
 * `onSkipped` gets the others. Throws Fault.
 */
export function readNetwork(which: string | undefined, onSkipped?: Skipped, dataDir = defaultDataDir): Json {
  if (which === undefined || which === defaultNetwork["name"]) return findNamed("ns-net", onSkipped) ?? defaultNetwork;
  if (isFile(which)) return pluginOf(readConfiguration(which), which, onSkipped);
  const found = findNamed(which, onSkipped) ?? findRemembered(which, onSkipped, dataDir);
  if (found) return found;
  const names = networkNames(dataDir);
  const meant = nearest(which, names);
  throw new Fault(
    code.config,
    `Cannot find a network named ${JSON.stringify(which)} in ${configurationFolder}`,
    meant === undefined
      ? `Give the path of a configuration file instead, or name one that there is: ${names.join(", ")}`
      : `Did you mean ${meant}? Or give the path of a configuration file`,
  );
}

/** True if the word is a path of a file and not a network's name. */
export function isFile(which: string): boolean {
  return which.includes("/") || fileEndings.test(which);
}

/** Remembers the network of a file, or one that flags described, so that its name is known from now on. */
export function rememberNetwork(
  which: string | undefined,
  described: Json | undefined,
  dataDir = defaultDataDir,
): void {
  if (described) remember("", described, dataDir);
  else if (which !== undefined && isFile(which)) remember(which, readConfiguration(which), dataDir);
}

/** The configuration in the remembered file, or, if the file is gone, as it was then. */
function findRemembered(name: string, onSkipped: Skipped | undefined, dataDir: string): Json | undefined {
  const kept = remembered(name, dataDir);
  if (kept === undefined) return undefined;
  const { path, configuration } = kept;
  const now = path && existsSync(path) ? readConfiguration(path) : configuration;
  return pluginOf(now["name"] === name ? now : configuration, path || name, onSkipped);
}

/** Every configuration that has a name: those of this host's folder, then those that were remembered. */
export function everyConfiguration(
  dataDir = defaultDataDir,
): { readonly path: string; readonly configuration: Json }[] {
  const kept = rememberedNames(dataDir).flatMap((name) => remembered(name, dataDir) ?? []);
  return [
    ...configurations(configurationFolder),
    ...kept.map((one) => ({ ...one, configuration: { ...one.configuration } })),
  ];
}

/** The known network names. */
export function networkNames(dataDir = defaultDataDir): string[] {
  const own = String(defaultNetwork["name"]);
  return [...new Set([own, ...namesIn(configurationFolder), ...rememberedNames(dataDir)])];
}

/** Gets the type of the plugin that is used and those of the skipped ones. */
type Skipped = (used: string, others: readonly string[]) => void;

function findNamed(name: string, onSkipped?: Skipped): Json | undefined {
  for (const { path, configuration } of configurations(configurationFolder)) {
    if (configuration["name"] === name) return pluginOf(configuration, path, onSkipped);
  }
  return undefined;
}

function makesInterface(type: unknown): boolean {
  const known = pluginTypes.find((name) => name === type);
  return known !== undefined && (known === "bridge" || known === "ptp" || isContainerLink(known));
}

function namesIn(folder: string): string[] {
  return configurations(folder).flatMap(({ configuration }) =>
    typeof configuration["name"] === "string" ? [configuration["name"]] : [],
  );
}

/** Every readable configuration of a folder in the order of runtimes. Skips those with mistakes. */
function configurations(folder: string): { path: string; configuration: Json }[] {
  return filesIn(folder).flatMap(({ path, configuration }) => (configuration ? [{ path, configuration }] : []));
}

interface ConfigurationFile {
  readonly path: string;
  /** Undefined if `mistake` says why it cannot be read. */
  readonly configuration: Json | undefined;
  readonly mistake: string;
  /** Why runtimes cannot read it, which read JSON alone; absent if they can, or do not try. */
  readonly notJson?: string | undefined;
}

/** The files of a folder that are configurations by their names, in the order of runtimes. */
export function filesIn(folder: string): ConfigurationFile[] {
  let files: string[];
  try {
    files = readdirSync(folder)
      .filter((file) => fileEndings.test(file))
      .sort();
  } catch {
    return [];
  }
  return files.map((file) => {
    const path = join(folder, file);
    try {
      const text = textOf(path);
      const notJson = runtimesRead.test(path) ? notJsonIn(text) : undefined;
      return { path, configuration: objectIn(text, path), mistake: "", notJson };
    } catch (error) {
      return { path, configuration: undefined, mistake: (error as Error).message };
    }
  });
}

/** ns-net reads YAML, which JSON is almost a part of: it takes a trailing comma, and comments. */
function notJsonIn(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const readConfiguration = (path: string): Json => objectIn(textOf(path), path);

function textOf(path: string): string {
  try {
    const status = statSync(path);
    // Reading a device or a FIFO may never end.
    if (!status.isFile()) throw new Error("it is no regular file");
    const { size } = status;
    if (size > fileBytesMax) throw new Error(`it has ${size} bytes, more than ${fileBytesMax}`);
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Fault(
      code.io,
      `Cannot read ${path}: ${(error as Error).message}`,
      "Give the path of a network configuration (JSON or YAML)",
    );
  }
}

function objectIn(text: string, path: string): Json {
  const value = yaml.parseYaml(text, path);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Fault(
    code.decode,
    `Cannot use ${path}: it holds no object`,
    "A network configuration begins with name and type, or with name and plugins",
  );
}

/** The plugin of a list that ns-net runs, with the list's name and version; a single configuration unchanged. */
function pluginOf(configuration: Json, path: string, onSkipped?: Skipped): Json {
  const { plugins, name, cniVersion } = configuration;
  if (!Array.isArray(plugins)) return { cniVersion: defaultVersion, ...configuration };
  const ours =
    (plugins as Json[]).find((plugin) => plugin?.["type"] === "ns-net") ??
    (plugins as Json[]).find((plugin) => makesInterface(plugin?.["type"]));
  if (ours) {
    const others = (plugins as Json[]).filter((plugin) => plugin !== ours).map((plugin) => String(plugin?.["type"]));
    if (others.length > 0) onSkipped?.(String(ours["type"]), others);
    return { cniVersion: cniVersion ?? defaultVersion, ...ours, name };
  }
  const types = (plugins as Json[]).map((plugin) => String(plugin?.["type"]));
  const meant = types.map((type) => nearest(type, pluginTypes)).find((type) => type !== undefined);
  throw new Fault(
    code.config,
    `Cannot use ${isAbsolute(path) ? path : `./${path}`}: its list has no interface plugin that ns-net implements`,
    `${meant === undefined || types.includes(meant) ? "" : `Did you mean ${meant}? `}A command runs one plugin of a list: add one of type ns-net`,
  );
}
