/** The maps and sets of published ports, and by what is seen that their rules stand: all that an ADD needs once they do (rules.ts). */
import { type SetShape, valueType } from "../../netlink/nft/set.ts";

const { ipv4, ipv6, protocol, port, linkName } = valueType;

export const portMaps = {
  exact4: { name: "ports4-at", key: [ipv4, protocol, port], value: [ipv4, port] },
  any4: { name: "ports4", key: [protocol, port], value: [ipv4, port] },
  exact6: { name: "ports6-at", key: [ipv6, protocol, port], value: [ipv6, port] },
  any6: { name: "ports6", key: [protocol, port], value: [ipv6, port] },
} as const satisfies Record<string, SetShape>;

/**
 * Where a published port leads, with the interface towards it. Others translate connections too, a service's to its
 * backends, and theirs are not ours to hide: only those to a published port of a container can be taken for ours. (By
 * the port that a connection was opened to they could be told apart, but nft cannot read such a rule back.)
 */
export const hairpinSets = {
  4: { name: "ports-hairpin4", key: [linkName, protocol, ipv4, port] },
  6: { name: "ports-hairpin6", key: [linkName, protocol, ipv6, port] },
} as const satisfies Record<4 | 6, SetShape>;

/** Who waits for a port of the host, by the host's end of its link and the address; IPv4 as `::ffff:192.0.2.1`. */
export const waitingPorts = {
  name: "ports-waiting",
  key: [linkName, ipv6, protocol, port],
  value: [ipv6, port],
} as const satisfies SetShape;

/** Where it has a rule, all that rules.ts makes stands. Another name with every change of the rules. */
export const portsChain = "ports-ready-3";

/** What is not translated, whatever the maps say: step/ports/conditions.ts. */
export const exceptionsChain = "ports-except";
