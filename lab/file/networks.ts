/** Reads `networks:`. */
import type { Node } from "yaml";
import { type Cidr, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { isolations, type NetworkEntry } from "./labFile.ts";
import type { Located } from "./mistakes.ts";
import type { Field, Reader } from "./reader.ts";

const keys = ["subnets", "gateway", "masquerade", "internal", "isolate", "mtu", "config"] as const;

/** IPv6 needs 1280 bytes (RFC 8200, section 5), IPv4 68 (RFC 791); a veth can have 65535. */
const mtuLimits = [68, 65_535] as const;

export function readNetworks(node: Node | undefined, reader: Reader): NetworkEntry[] {
  return (reader.fields(node, "networks") ?? []).map((field) => readNetwork(field, reader));
}

function readNetwork({ key, node }: Field, reader: Reader): NetworkEntry {
  const what = `networks.${key.value}`;
  const isShort = !reader.isMap(node);
  const found = (isShort ? undefined : reader.known(node, what, keys)) ?? {};
  const flagAt = (name: "gateway" | "masquerade" | "internal", unset: boolean) =>
    found[name] ? (reader.flag(found[name].node, `${what}.${name}`) ?? unset) : unset;
  const subnets = reader
    .items(isShort ? node : found.subnets?.node)
    .flatMap((item) => readSubnet(item, `a subnet of ${what}`, reader) ?? []);
  if (subnets.length === 0 && reader.isEmpty(isShort ? node : found.subnets?.node))
    reader.report(key.at, `${what} has no subnet`, `write ${key.value}: 10.1.0.0/24`);
  const gateway = flagAt("gateway", true);
  return {
    name: key,
    subnets,
    gateway,
    masquerade: flagAt("masquerade", gateway),
    internal: flagAt("internal", false),
    isolate: (found.isolate && reader.oneOf(found.isolate.node, `${what}.isolate`, isolations)) ?? "none",
    mtu: found.mtu && reader.number(found.mtu.node, `${what}.mtu`, mtuLimits)?.value,
    config: configOf(found.config, what, reader),
  };
}

function readSubnet(node: Node, what: string, reader: Reader): Located<Cidr> | undefined {
  const text = reader.text(node, what);
  if (text === undefined) return undefined;
  const cidr = parseCidr(text.value);
  if (cidr === undefined) {
    const suggestion = parseAddress(text.value) ? `write ${text.value}/24` : "write one as 10.1.0.0/24 or fd00:1::/64";
    return reader.report(text.at, `${JSON.stringify(text.value)} is no subnet`, suggestion);
  }
  const network = networkOf(cidr);
  if (network.value !== cidr.value)
    return reader.report(text.at, `${text.value} is an address in a subnet`, `the subnet is ${formatCidr(network)}`);
  return { value: cidr, at: text.at };
}

/** Keys of the plugin's configuration that the lab writes itself. */
const ofTheLab: Readonly<Record<string, string>> = {
  ...{ name: "the network's name", type: "always ns-net", bridge: "the network's name", cniVersion: "not needed" },
  ...{ ipam: "subnets", isGateway: "gateway", isDefaultGateway: "gateway", ipMasq: "masquerade", mtu: "mtu" },
};

function configOf(field: Field | undefined, what: string, reader: Reader): Readonly<Record<string, unknown>> {
  if (!field?.node) return {};
  const config: Record<string, unknown> = {};
  for (const { key, node } of reader.fields(field.node, `${what}.config`) ?? []) {
    const own = Object.hasOwn(ofTheLab, key.value) ? ofTheLab[key.value] : undefined;
    if (own === undefined) config[key.value] = node === undefined ? null : reader.plain(node);
    else reader.report(key.at, `${what}.config cannot set ${key.value}, which the lab sets`, `its place is ${own}`);
  }
  return config;
}
