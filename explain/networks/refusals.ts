/** Which plugins of a configuration ns-net would refuse, if it is called under their names. */
import { Fault } from "../../conf/fault.ts";
import { parseRequest } from "../../conf/parse.ts";
import { type PluginType, pluginTypes } from "../../conf/pluginType.ts";
import { type Configured, pluginsOf } from "./configured.ts";

export interface Refusal {
  /** The name under which the plugin is called. */
  readonly type: PluginType;
  readonly fault: Fault;
}

/** The types of a configuration that ns-net serves under their names, and the others. IPAM is one of them. */
export function typesOf(configured: Pick<Configured, "configuration">): {
  readonly served: readonly PluginType[];
  readonly others: readonly string[];
} {
  const all = pluginsOf(configured.configuration).flatMap(({ type, ipam }) => [type, typeIn(ipam)]);
  const names = [...new Set(all.filter((type) => typeof type === "string"))];
  return { served: names.filter(isServed), others: names.filter((name) => !isServed(name)) };
}

/** As an ADD reads each plugin, with what the runtime adds left out. The kernel and the host are not asked. */
export function refusalsOf({ configuration }: Pick<Configured, "configuration">): Refusal[] {
  const { name, cniVersion } = configuration;
  return pluginsOf(configuration).flatMap((plugin): Refusal[] => {
    const { type } = plugin;
    // A plugin that is not ours may call host-local or static by its name.
    const calledAs = typeof type === "string" && isServed(type) ? type : typeIn(plugin["ipam"]);
    if (calledAs === undefined || !isServed(calledAs)) return [];
    const fault = faultOf({ ...plugin, name, ...(cniVersion !== undefined && { cniVersion }) }, calledAs);
    return fault === undefined ? [] : [{ type: calledAs, fault }];
  });
}

function typeIn(ipam: unknown): string | undefined {
  const type = (ipam as { readonly type?: unknown } | undefined)?.type;
  return typeof type === "string" ? type : undefined;
}

const isServed = (type: string): type is PluginType => (pluginTypes as readonly string[]).includes(type);

const names = { CNI_CONTAINERID: "look", CNI_NETNS: "/", CNI_IFNAME: "eth0" };
const environment = { CNI_COMMAND: "ADD", CNI_PATH: "/", ...names };

function faultOf(plugin: object, calledAs: PluginType): Fault | undefined {
  try {
    parseRequest(environment, new TextEncoder().encode(JSON.stringify(plugin)), calledAs);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error;
  }
}
