/** The maps and sets of published ports, and the chain that shows that their rules exist: all that an ADD needs then (rules.ts). */
import { type SetShape, valueType } from "../../netlink/nft/set.ts";

const { ipv4, ipv6, protocol, port, linkName } = valueType;

export const portMaps = {
  exact4: { name: "ports4-at", key: [ipv4, protocol, port], value: [ipv4, port] },
  any4: { name: "ports4", key: [protocol, port], value: [ipv4, port] },
  exact6: { name: "ports6-at", key: [ipv6, protocol, port], value: [ipv6, port] },
  any6: { name: "ports6", key: [protocol, port], value: [ipv6, port] },
} as const satisfies Record<string, SetShape>;

/**
 * The target of a published port, with the interface towards it. Other programs translate connections, too, such as a
 * service's to its backends, and must not lose their source. So only connections to these targets are masqueraded. (The
 * originally called port would distinguish them for certain, but nft cannot read back such a rule.)
 */
export const hairpinSets = {
  4: { name: "ports-hairpin4", key: [linkName, protocol, ipv4, port] },
  6: { name: "ports-hairpin6", key: [linkName, protocol, ipv6, port] },
} as const satisfies Record<4 | 6, SetShape>;

/** Attachments that wait for a port of the host, by their host's end and the host address; IPv4 as `::ffff:192.0.2.1`. */
export const waitingPorts = {
  name: "ports-waiting",
  key: [linkName, ipv6, protocol, port],
  value: [ipv6, port],
} as const satisfies SetShape;

/** If this chain has a rule, all objects of rules.ts exist. Every change of the rules gives it another name. */
export const portsChain = "ports-ready-3";

/** Exceptions from the maps: step/ports/conditions.ts. */
export const exceptionsChain = "ports-except";
