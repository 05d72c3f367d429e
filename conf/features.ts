/** The keys of the reference's plugins beside the bridge's. Loaded where one of them is written. Throws codes 2 and 7. */
import { bandwidthOf } from "./bandwidth.ts";
import { conditionsOf } from "./conditions.ts";
import type { JsonObject } from "./decode.ts";
import { badConfig, code, Fault, shown } from "./fault.ts";
import { features as featuresRule } from "./generated/rare.js";
import { canonical } from "./keys.ts";
import type { Features, IngressPolicy } from "./network.ts";
import { portMappingsOf } from "./portmap.ts";
import { canonicalMac, type GivenNetwork, macMustBe } from "./requested.ts";
import type { features } from "./schema/features.ts";
import type { Accepted } from "./schema/schema.ts";
import type { PluginType } from "./types.ts";
import { validated } from "./validate.ts";

type Given = Accepted<typeof features>;

/** With their cures. */
const unserved = {
  shapedSubnets: "Leave it out: all traffic of the container is limited",
  unshapedSubnets: "Leave it out: all traffic of the container is limited",
} as const;

export function featuresOf(network: GivenNetwork, type: PluginType): Features {
  const spelt = canonical(network, featuresRule.shape) as JsonObject;
  // Their values are another plugin's business when that is who reads them.
  const given = validated("features", spelt, "");
  refuseUnserved(given);
  const bandwidth = bandwidthOf(given, network.runtimeConfig?.bandwidth);
  const { promisc, allmulti, txQLen, mac, ingressPolicy = "open" } = given;
  return {
    portMappings: portMappingsOf(network.runtimeConfig?.portMappings ?? []),
    conditions: {
      4: conditionsOf(given.conditionsV4 ?? [], "conditionsV4"),
      6: conditionsOf(given.conditionsV6 ?? [], "conditionsV6"),
    },
    snat: given.snat ?? true,
    masqAll: given.masqAll ?? false,
    ...(bandwidth && { bandwidth }),
    ...(given.iptablesAdminChainName && { adminChain: given.iptablesAdminChainName }),
    ...(ingressPolicy !== "open" && { ingressPolicy: ingressPolicy as IngressPolicy }),
    sysctl: sysctlOf(spelt, network, type),
    ...(mac && { mac: canonicalMac(mac) ?? fail(badConfig("mac", mac, macMustBe)) }),
    ...(promisc !== undefined && { promisc }),
    ...(allmulti !== undefined && { allmulti }),
    ...(txQLen !== undefined && { txQLen }),
  };
}

function refuseUnserved(given: Given): void {
  for (const [key, cure] of Object.entries(unserved)) {
    const value = given[key as keyof typeof unserved];
    if (!value || (Array.isArray(value) && value.length === 0)) continue;
    throw new Fault(
      code.unsupportedField,
      `Cannot use ${key} = ${shown(value)}: ns-net does not serve it`,
      `${cure}; or use the reference's plugin for this network`,
    );
  }
}

/** `args.cni.sysctl` adds to the configuration's. Values are text in JSON, and numbers where a person forgot to quote them. */
function sysctlOf(spelt: JsonObject, network: GivenNetwork, type: PluginType): Features["sysctl"] {
  const args = type === "tuning" ? (network.args?.cni as { sysctl?: object } | undefined)?.sysctl : undefined;
  const all = { ...(spelt.sysctl as object | undefined), ...args };
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(all)) {
    const path = `sysctl[${JSON.stringify(key)}]`;
    if (typeof value !== "string" && typeof value !== "number") throw badConfig(path, value, "a text or a number");
    // Dots and slashes trade places, as with sysctl(8): net.ipv4.conf.eth0/1.arp_filter.
    const file = key.includes("/") && key.indexOf("/") < (key.indexOf(".") + 1 || Infinity) ? key : swapped(key);
    if (!/^net\/[^\0]+$/.test(file) || file.split("/").some((part) => part === "" || part === "." || part === "..")) {
      throw badConfig(`sysctl`, key, "a setting below net., the only ones that a network namespace has of its own");
    }
    result[file] = String(value);
  }
  return result;
}

function swapped(key: string): string {
  return key.replace(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}

function fail(fault: Fault): never {
  throw fault;
}
