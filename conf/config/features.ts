/** Keys of the reference's chained plugins. Loaded only if the configuration has one of them. Throws codes 2 and 7. */

import type { JsonObject } from "../decode.ts";
import { badConfig, type Fault, unserved } from "../fault.ts";
import { features as featuresRule } from "../generated/rare.js";
import { ownType, type PluginType } from "../pluginType.ts";
import type { features } from "../schema/features.ts";
import { canonical } from "../schema/keys.ts";
import type { Accepted } from "../schema/schema.ts";
import { validated } from "../schema/validate.ts";
import { bandwidthOf } from "./bandwidth.ts";
import { type ChainKeys, defaultZone, type IngressPolicy, type Tunables } from "./config.ts";
import { conditionsOf } from "./portConditions.ts";
import { portMappingsOf } from "./portMappings.ts";
import { canonicalMac, type GivenNetwork, macMustBe } from "./requested.ts";

type Given = Accepted<typeof features>;

const firewalld = "firewalld";

/** Keys that are not served, with their cures. */
const left = {
  shapedSubnets: "Leave it out: all traffic of the container is limited",
  unshapedSubnets: "Leave it out: all traffic of the container is limited",
} as const;

export function featuresOf(network: GivenNetwork, type: PluginType): ChainKeys {
  const spelt = canonical(network, featuresRule.shape) as JsonObject;
  // A chained plugin has only its own keys here: chainedKeys.ts removed those of others.
  const given = validated("features", spelt, "");
  refuseUnserved(given);
  const backend = backendOf(given, type);
  if (given.markMasqBit !== undefined && given.externalSetMarkChain !== undefined) {
    throw badConfig("markMasqBit", given.markMasqBit, "left out with externalSetMarkChain, whose rules set the mark");
  }
  const bandwidth = bandwidthOf(given, network.runtimeConfig?.bandwidth);
  const { ingressPolicy = "open" } = given;
  const asked = type === "tuning" ? askedOfTuning(network) : {};
  return {
    portMappings: portMappingsOf(network.runtimeConfig?.portMappings ?? []),
    conditions: {
      4: conditionsOf(given.conditionsV4 ?? [], "conditionsV4"),
      6: conditionsOf(given.conditionsV6 ?? [], "conditionsV6"),
    },
    snat: given.snat ?? true,
    masqAll: given.masqAll ?? false,
    bandwidth,
    adminChain: given.iptablesAdminChainName || undefined,
    backend,
    zone: given.firewalldZone || defaultZone,
    ingressPolicy: ingressPolicy === "open" ? undefined : (ingressPolicy as IngressPolicy),
    sysctl: { ...sysctlOf(given, "sysctl"), ...sysctlOf(asked, `${argsPath}.sysctl`) },
    tunables: tunablesOf(given, "mac"),
    askedTunables: tunablesOf(asked, `${argsPath}.mac`),
  };
}

const argsPath = "args.cni";
const tuningKeys = ["sysctl", "mac", "mtu", "promisc", "allmulti", "txQLen"] as const satisfies (keyof Given)[];

/** The keys of `tuning` in `args.cni`, for one attachment. Other keys there belong to other plugins. */
function askedOfTuning({ args }: GivenNetwork): Given {
  const spelt = canonical(args?.cni ?? {}, featuresRule.shape) as JsonObject;
  const asked = tuningKeys.flatMap((key) => (spelt[key] === undefined ? [] : [[key, spelt[key]] as const]));
  return validated("features", Object.fromEntries(asked), argsPath);
}

/** Go programs write 0 and "" for "not set"; false means off. */
function tunablesOf({ mac, mtu, promisc, allmulti, txQLen }: Given, macPath: string): Tunables {
  return {
    ...(mac && { mac: canonicalMac(mac) ?? fail(badConfig(macPath, mac, macMustBe)) }),
    ...(mtu && { mtu }),
    ...(promisc !== undefined && { promisc }),
    ...(allmulti !== undefined && { allmulti }),
    ...(txQLen && { txQLen }),
  };
}

function refuseUnserved(given: Given): void {
  for (const key in left) {
    const value = given[key as keyof typeof left];
    if (!value || (Array.isArray(value) && value.length === 0)) continue;
    throw unserved(key, value, `${left[key as keyof typeof left]}; or use the reference's plugin for this network`);
  }
}

const backends: { readonly [T in PluginType]?: readonly string[] } = {
  portmap: ["iptables", "nftables"],
  firewall: ["iptables", firewalld],
  [ownType]: ["iptables", "nftables", firewalld],
};

/**
 * The value of `backend` counts only where it decides. Where ns-net writes rules of nf_tables either way, known names
 * are accepted for compatibility.
 */
function backendOf({ backend, firewalldZone }: Given, type: PluginType): ChainKeys["backend"] {
  const known = backends[type];
  if (known === undefined) return undefined;
  if (backend && !known.includes(backend)) {
    throw badConfig("backend", backend, known.map((one) => `"${one}"`).join(" or "));
  }
  // Type ns-net opens nothing by default; naming a zone requests it.
  if (!backend && type === ownType && firewalldZone) return firewalld;
  return backend === "iptables" || backend === firewalld ? backend : undefined;
}

/** Values are text in JSON, or numbers if a person forgot the quotation marks. */
function sysctlOf({ sysctl = {} }: Given, path: string): ChainKeys["sysctl"] {
  const result: Record<string, string> = {};
  for (const key in sysctl) {
    const value = (sysctl as JsonObject)[key];
    if (typeof value !== "string" && typeof value !== "number") {
      throw badConfig(`${path}[${JSON.stringify(key)}]`, value, "a text or a number");
    }
    // Dots and slashes change places, as in sysctl(8): net.ipv4.conf.eth0/1.arp_filter.
    const file = key.includes("/") && key.indexOf("/") < (key.indexOf(".") + 1 || Infinity) ? key : swapped(key);
    if (!isBelowNet(file)) {
      throw badConfig(path, key, "a setting below net., the only ones that a network namespace has of its own");
    }
    result[file] = String(value);
  }
  return result;
}

function isBelowNet(file: string): boolean {
  const path = `/${file}/`;
  if (!path.startsWith("/net/") || file === "net" || file.includes("\0")) return false;
  return !path.includes("//") && !path.includes("/./") && !path.includes("/../");
}

function swapped(key: string): string {
  let file = "";
  for (let i = 0; i < key.length; i++) file += key[i] === "." ? "/" : key[i] === "/" ? "." : key[i];
  return file;
}

function fail(fault: Fault): never {
  throw fault;
}
