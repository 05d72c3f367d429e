/** The keys that each chained plugin reads. Loaded only for chained plugins. */
import type { JsonObject } from "../decode.ts";
import type { PluginType } from "../pluginType.ts";

const ofEvery = "name type prevResult runtimeConfig dataDir log";

const ofType: { readonly [T in PluginType]?: string } = {
  portmap: "backend snat masqAll markMasqBit externalSetMarkChain conditionsV4 conditionsV6",
  bandwidth: "ingressRate ingressBurst egressRate egressBurst shapedSubnets unshapedSubnets",
  firewall: "backend ingressPolicy iptablesAdminChainName firewalldZone",
  tuning: "sysctl mac mtu promisc allmulti txQLen args",
  sbr: "table gateways addSourceHints",
  vrf: "vrfname table",
};

/**
 * The plugin's own keys, in any spelling. All other keys belong to other plugins, as in the reference, and may have any
 * value.
 */
export function ofChained(object: JsonObject, type: PluginType): JsonObject {
  const read = ` ${ofEvery} ${ofType[type] ?? ""} `.toLowerCase();
  const own: Record<string, unknown> = {};
  for (const key in object) {
    const isRead = !key.includes(" ") && read.includes(` ${key.toLowerCase()} `);
    if (isRead) own[key] = object[key];
  }
  return own;
}
