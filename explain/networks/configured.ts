/** The bridge and the subnets in a network's configuration, for any plugin that makes a bridge. */
import { defaultBridge } from "../../conf/config/bridge.ts";
import { isObject } from "../../conf/decode.ts";
import { makesBridge } from "../../conf/pluginType.ts";

/** The files that runtimes read. They read no YAML; ns-net does. */
export const runtimesRead = /\.(conf|conflist|json)$/;

type Json = Readonly<Record<string, unknown>>;

export interface Configured {
  /** The file; empty for a network that flags described. */
  readonly path: string;
  /** A configuration of one plugin, or a list of plugins. */
  readonly configuration: Json;
}

/** Undefined if no plugin of the network makes a bridge. */
export function bridgeOf({ configuration }: Configured): string | undefined {
  for (const plugin of pluginsOf(configuration)) {
    const { type, bridge } = plugin;
    if (makesBridge(type)) return typeof bridge === "string" && bridge !== "" ? bridge : defaultBridge;
  }
  return undefined;
}

/** True if ns-net runs for the network, under its own name. */
export function isOurs({ configuration }: Configured): boolean {
  return pluginsOf(configuration).some(({ type }) => type === "ns-net");
}

/** In the order of the configuration, as they are written there. */
export function subnetsOf({ configuration }: Configured): string[] {
  return pluginsOf(configuration).flatMap((plugin) => [plugin, plugin["ipam"]].flatMap(subnetsIn));
}

/** `subnet`, and `ranges` with a list of ranges for each family. */
function subnetsIn(value: unknown): string[] {
  if (!isObject(value)) return [];
  const { subnet, ranges } = value;
  const own = typeof subnet === "string" ? [subnet] : [];
  return [...own, ...(Array.isArray(ranges) ? ranges.flat().flatMap(subnetsIn) : [])];
}

export function pluginsOf(configuration: Json): readonly Json[] {
  const { plugins } = configuration;
  return Array.isArray(plugins) ? plugins.filter(isObject) : [configuration];
}
