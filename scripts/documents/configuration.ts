/** The tables of docs/configuration.md, from the schemas that every configuration is checked against. */
import { features } from "../../conf/schema/features.ts";
import { staticIpam, storeIpam } from "../../conf/schema/ipam.ts";
import { links } from "../../conf/schema/links.ts";
import { network } from "../../conf/schema/network.ts";
import { runtimeConfig } from "../../conf/schema/runtime.ts";
import type { Schema } from "../../conf/schema/schema.ts";
import { examples } from "./configurationExamples.ts";

type Keys = Readonly<Record<string, Schema>>;

const keysOf = ({ properties = {} }: Schema): Keys => properties;

const only = (keys: Keys, ...names: readonly string[]): Keys =>
  Object.fromEntries(names.map((name) => [name, keys[name] ?? fail(`there is no key ${name}`)]));

const without = (keys: Keys, ...others: readonly Keys[]): Keys =>
  Object.fromEntries(Object.entries(keys).filter(([name]) => !others.some((other) => name in other)));

function fail(message: string): never {
  throw new Error(message);
}

const all = keysOf(network);
const addresses = only(all, "subnet", "rangeStart", "rangeEnd", "gateway", "ranges", "routes");
const every = only(all, "cniVersion", "name", "type", "dns", "log", "dataDir", "ipam");
const fromRuntime = only(all, "runtimeConfig", "args", "prevResult");
const feature = keysOf(features);
const link = keysOf(links);

/** By the name that the page gives them. Together they have every key of every schema. */
export const tables: Readonly<Record<string, Keys>> = {
  every,
  bridge: without(all, every, addresses, fromRuntime),
  addresses: keysOf(storeIpam),
  route: without(keysOf(keysOf(storeIpam)["routes"]!.items!), { gws: network }),
  static: without(keysOf(staticIpam), keysOf(storeIpam)),
  runtime: keysOf(runtimeConfig),
  portMappings: keysOf(keysOf(runtimeConfig)["portMappings"]!.items!),
  portmap: only(feature, "snat", "masqAll", "conditionsV4", "conditionsV6", "markMasqBit", "externalSetMarkChain"),
  bandwidth: only(feature, "ingressRate", "ingressBurst", "egressRate", "egressBurst"),
  firewall: only(feature, "ingressPolicy", "backend", "firewalldZone", "iptablesAdminChainName"),
  tuning: only(feature, "sysctl", "mac", "mtu", "promisc", "allmulti", "txQLen"),
  macvlan: only(link, "master", "mode", "linkInContainer", "mac", "bcqueuelen"),
  vlan: only(link, "vlanId", "master", "linkInContainer"),
  "host-device": only(link, "device", "hwaddr", "kernelpath", "pciBusID"),
  tap: only(link, "multiQueue", "owner", "group", "mac", "selinuxContext"),
  sbr: only(link, "table", "gateways", "addSourceHints"),
  vrf: only(link, "vrfname", "table"),
};

/** Refused with code 2, so they are in no table. */
export const refused: readonly string[] = ["shapedSubnets", "unshapedSubnets", "useInterfaceNetwork", "gws"];

/** Throws if the key has none. */
export const exampleOf = (table: string, key: string): unknown =>
  examples[`${table}.${key}`] ?? examples[key] ?? fail(`the key ${key} of ${table} has no example`);

/** A table in Markdown. */
export function configurationTable(name: string): string {
  const keys = tables[name] ?? fail(`there is no table ${name}`);
  const rows = Object.entries(keys).map(([key, schema]) => {
    return `| \`${key}\` | ${typeOf(schema)} | ${escaped(schema.description)} | \`${JSON.stringify(exampleOf(name, key))}\` |`;
  });
  return ["| key | type, default | meaning | example |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

const typeOf = ({ type, default: byDefault, enum: words }: Schema): string => {
  const name = words
    ? words.map((word) => `\`${word}\``).join(", ")
    : ({ integer: "number", array: "list" }[type as string] ?? type);
  return byDefault === undefined ? name : `${name}, \`${byDefault}\``;
};

const escaped = (text: string) => text.replaceAll("|", "\\|").replace(/\{\}/g, "`{}`");
