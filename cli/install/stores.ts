/** Every store of this machine that can be known: a configuration may name another folder than the default. */
import { existsSync } from "node:fs";
import { isObject } from "../../conf/decode.ts";
import { code, Fault } from "../../conf/fault.ts";
import { defaultDataDir, readIdentity } from "../../conf/identity.ts";
import { pluginTypes } from "../../conf/pluginType.ts";
import { pluginsOf } from "../../explain/networks/configured.ts";
import { createdName } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { dataDirOfAlias } from "../../kernel/ownership.ts";
import { everyHostEnd } from "../../plugin/recovery/rebuild.ts";
import { storePathOf } from "../../store/file/path.ts";
import { entries, sameStoreAs } from "../attachments.ts";
import { filesIn } from "../network.ts";
import { stdinOf } from "../target.ts";

/**
 * The folder that was given, or the default; then those of the configurations, and those that links of ns-net name, if
 * there is a store.
 */
export function storeFolders(given: string | undefined, confDir: string, kernel: Kernel): string[] {
  const first = given ?? defaultDataDir;
  const named = [...configuredPlugins(confDir).flatMap(({ plugin }) => folderOf(plugin)), ...linked(kernel)];
  return [first, ...new Set(named.filter((one) => one !== first && existsSync(storePathOf(one))))];
}

/** The folders of host-local that configurations name, by network. */
export function hostLocalFolders(confDir: string): ReadonlyMap<string, string> {
  return new Map(
    configuredPlugins(confDir).flatMap(({ network, plugin: { ipam } }) => {
      const folder = isObject(ipam) && ipam["type"] === "host-local" ? ipam["dataDir"] : undefined;
      return typeof folder === "string" ? [[network, folder] as const] : [];
    }),
  );
}

/** Throws Fault with the links that no entry of these stores describes: nothing could remove what is left of them. */
export function refuseUnknownLinks(folders: readonly string[], kernel: Kernel): void {
  const known = new Set(folders.flatMap((dataDir) => entries({ dataDir })).map(({ hostLink }) => hostLink));
  const unknown = everyHostEnd(kernel).filter((link) => !known.has(createdName(link)));
  if (unknown.length === 0) return;
  const names = unknown.map(({ name }) => name).join(", ");
  const isOne = unknown.length === 1;
  const folder = unknown.map(({ alias = "" }) => dataDirOfAlias(alias)).find((one) => one !== "");
  const isLost = folder !== undefined && !existsSync(storePathOf(folder));
  throw new Fault(
    code.config,
    `Cannot uninstall: ${names} ${isOne ? "is a link" : "are links"} of ns-net that no store in ${folders.join(", ")} has`,
    isLost
      ? `Rebuild the store with 'ns-net repair${sameStoreAs(folder)}', or give --force`
      : `Delete ${isOne ? "its container" : "their containers"} first, or give --force`,
  );
}

const linked = (kernel: Kernel) => everyHostEnd(kernel).flatMap(({ alias = "" }) => dataDirOfAlias(alias) || []);

function configuredPlugins(confDir: string) {
  return filesIn(confDir).flatMap(({ configuration = {} }) => {
    const network = configuration["name"];
    if (typeof network !== "string") return [];
    return pluginsOf(configuration).map((plugin) => ({ network, plugin: { ...plugin, name: network } as Plugin }));
  });
}

type Plugin = Readonly<Record<string, unknown>>;

function folderOf(plugin: Plugin): string[] {
  const type = pluginTypes.find((one) => one === plugin["type"]);
  if (type === undefined) return [];
  try {
    return [readIdentity({}, stdinOf(plugin), type).dataDir];
  } catch {
    return []; // such a plugin never attached anything
  }
}
