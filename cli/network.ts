/** The network a person means: the built-in one, a file, or a name among the configurations of this host. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { code, Fault } from "../conf/fault.ts";
import { defaultDataDir } from "../conf/identity.ts";
import { nearest } from "../conf/nearest.ts";
import { isContainerLink, pluginTypes } from "../conf/pluginType.ts";
import { remember, remembered, rememberedNames } from "./remembered.ts";
import { parseYaml } from "./yaml.ts";

type Json = Record<string, unknown>;

/** Where CNI configurations are kept (the default of containerd, CRI-O and podman). */
export const configurationFolder = "/etc/cni/net.d";

/** What `ns-net add NAME` uses when nobody has configured anything. The subnet is chosen at first use and remembered. */
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
 * The configuration of a plugin, as the runtime would give it on standard input. Of a list it is one plugin's; of the
 * others `onLeftOut` hears. Throws Fault.
 */
export function readNetwork(which: string | undefined, onLeftOut?: LeftOut, dataDir = defaultDataDir): Json {
  if (which === undefined || which === defaultNetwork["name"]) return findNamed("ns-net", onLeftOut) ?? defaultNetwork;
  if (isFile(which)) return pluginOf(readConfiguration(which), which, onLeftOut);
  const found = findNamed(which, onLeftOut) ?? findRemembered(which, onLeftOut, dataDir);
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

/** True for what names a file and no network. */
export function isFile(which: string): boolean {
  return which.includes("/") || fileEndings.test(which);
}

/** Keeps the network of a file that was attached to, so that its name is known from then on. */
export function rememberNetwork(which: string | undefined, dataDir = defaultDataDir): void {
  if (which !== undefined && isFile(which)) remember(which, readConfiguration(which), dataDir);
}

/** As its file has it by now, or where that is gone as it had it then. */
function findRemembered(name: string, onLeftOut: LeftOut | undefined, dataDir: string): Json | undefined {
  const kept = remembered(name, dataDir);
  if (kept === undefined) return undefined;
  const { path, configuration } = kept;
  const now = existsSync(path) ? readConfiguration(path) : configuration;
  return pluginOf(now["name"] === name ? now : configuration, path, onLeftOut);
}

/** Those that a name can mean. */
export function networkNames(dataDir = defaultDataDir): string[] {
  const own = String(defaultNetwork["name"]);
  return [...new Set([own, ...namesIn(configurationFolder), ...rememberedNames(dataDir)])];
}

/** Told the type of the plugin that is used, and those of the others. */
type LeftOut = (used: string, others: readonly string[]) => void;

function findNamed(name: string, onLeftOut?: LeftOut): Json | undefined {
  for (const { path, configuration } of configurations(configurationFolder)) {
    if (configuration["name"] === name) return pluginOf(configuration, path, onLeftOut);
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

/** Every readable configuration of a folder in the order a runtime takes them. One with a mistake in it is not what was asked for. */
function configurations(folder: string): { path: string; configuration: Json }[] {
  let files: string[];
  try {
    files = readdirSync(folder)
      .filter((file) => fileEndings.test(file))
      .sort();
  } catch {
    return [];
  }
  return files.flatMap((file) => {
    const path = join(folder, file);
    try {
      return [{ path, configuration: readConfiguration(path) }];
    } catch {
      return [];
    }
  });
}

function readConfiguration(path: string): Json {
  let text: string;
  try {
    const status = statSync(path);
    // What is in a device or a FIFO may have no end, or come never.
    if (!status.isFile()) throw new Error("it is no regular file");
    const { size } = status;
    if (size > fileBytesMax) throw new Error(`it has ${size} bytes, more than ${fileBytesMax}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Fault(
      code.io,
      `Cannot read ${path}: ${(error as Error).message}`,
      "Give the path of a network configuration (JSON or YAML)",
    );
  }
  const value = parseYaml(text, path);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Fault(
    code.decode,
    `Cannot use ${path}: it holds no object`,
    "A network configuration begins with name and type, or with name and plugins",
  );
}

/** The plugin of a list that we can stand for, with the list's name and version; a single configuration as it is. */
function pluginOf(configuration: Json, path: string, onLeftOut?: LeftOut): Json {
  const { plugins, name, cniVersion } = configuration;
  if (!Array.isArray(plugins)) return { cniVersion: defaultVersion, ...configuration };
  const ours =
    (plugins as Json[]).find((plugin) => plugin?.["type"] === "ns-net") ??
    (plugins as Json[]).find((plugin) => makesInterface(plugin?.["type"]));
  if (ours) {
    const others = (plugins as Json[]).filter((plugin) => plugin !== ours).map((plugin) => String(plugin?.["type"]));
    if (others.length > 0) onLeftOut?.(String(ours["type"]), others);
    return { cniVersion: cniVersion ?? defaultVersion, ...ours, name };
  }
  const types = (plugins as Json[]).map((plugin) => String(plugin?.["type"]));
  const meant = types.map((type) => nearest(type, pluginTypes)).find((type) => type !== undefined);
  throw new Fault(
    code.config,
    `Cannot use ${isAbsolute(path) ? path : `./${path}`}: no plugin of its list is one of ns-net's that make an interface`,
    `${meant === undefined || types.includes(meant) ? "" : `Did you mean ${meant}? `}By hand, ns-net does only its own part of a list; add one of type ns-net`,
  );
}
