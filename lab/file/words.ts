/** Which words the keys of a lab file may be, and the ranges that are not for networks: for the reader and for the schema. */
import { type Cidr, overlaps, parseCidr } from "../../ip/address.ts";

/** A DNS label (RFC 1123, section 2.1), because pods resolve these names. */
export const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
export const labelMax = 63;

/** At most 64 characters: __NEW_UTS_LEN of linux/utsname.h. */
export const hostname = /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,63}$/;

/** A setting of a network namespace. Others are the machine's. */
export const sysctl = /^net(?:\.[^./\s]+)+$/;

/** The name of an environment variable, as sh takes it. */
export const variable = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export const podsReserved = ["host", "outside", "localhost"];

/** Bridges cannot have these names: lo exists, and the settings of all interfaces are called all and default. */
const bridgesReserved = ["lo", "all", "default"];
export const networksReserved = [...podsReserved, ...bridgesReserved];

/** Keys of the plugin's configuration that the lab writes itself, and what to do instead. */
export const ofTheLab: Readonly<Record<string, string>> = {
  ...{ name: "its place is the network's name", bridge: "its place is the network's name" },
  ...{ ipam: "its place is subnets", isGateway: "its place is gateway", isDefaultGateway: "its place is gateway" },
  ...{ ipMasq: "its place is masquerade", mtu: "its place is mtu", ingressPolicy: "its place is isolate" },
  ...{ sysctl: "its place is sysctls of a pod", type: "leave it out", cniVersion: "leave it out" },
  ...{ dataDir: "leave it out", runtimeConfig: "leave it out", args: "leave it out", prevResult: "leave it out" },
};

/** RFC 6890, and RFC 4291 for IPv6. */
const special = [
  "0.0.0.0/8 means this host",
  "127.0.0.0/8 is for loopback",
  "169.254.0.0/16 is link-local",
  "224.0.0.0/4 is for multicast",
  "240.0.0.0/4 is reserved",
  "::/128 is the unspecified address",
  "::1/128 is for loopback",
  "::ffff:0:0/96 is for IPv4 addresses in IPv6",
  "fe80::/10 is link-local",
  "ff00::/8 is for multicast",
].map((sentence) => ({ range: parseCidr(sentence.split(" ")[0]!)!, sentence }));

/** Why this subnet is not for a network: `127.0.0.0/8 is for loopback`. An ordinary subnet has undefined. */
export function whyNoNetwork(subnet: Cidr): string | undefined {
  return special.find(({ range }) => overlaps(range, subnet))?.sentence;
}
