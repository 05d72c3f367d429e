/** Random matches of rules in the language of nft(8), over few values, so that packets often meet them. */
import fc from "fast-check";

export const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);

export const addresses4 = ["10.1.0.1", "10.1.0.2", "10.1.0.9", "10.2.0.1", "10.2.0.2", "10.2.0.9", "172.16.5.5"];
export const addresses6 = ["fd01::1", "fd01::2", "fd01::9", "fd02::1", "fd02::2", "fd02::9", "fd16::5"];
export const ports = [22, 53, 80, 443, 1000, 8080, 30000];
const networks4 = ["10.1.0.0/24", "10.2.0.0/28", "10.0.0.0/8", "172.16.0.0/12", "10.2.0.0/30"];
const networks6 = ["fd01::/64", "fd02::/125", "fd00::/8", "fd16::/12"];

export const port = oneOf(...ports);
const portRange = fc
  .tuple(oneOf(1, 50, 443, 8000), oneOf(80, 500, 8080, 30000))
  .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b) + 1}`);
const portSet = fc.uniqueArray(port, { minLength: 1, maxLength: 4 }).map((all) => `{ ${all.join(", ")} }`);
const sparseRanges = oneOf("{ 1-79, 443, 8000-9000 }", "{ 22, 53-80, 30000-65535 }", "{ 0-1023 }", "{ 80-442, 444 }");
const portMatch = fc
  .tuple(oneOf("", "!= "), fc.oneof(port.map(String), portRange, portSet, sparseRanges))
  .map(([not, value]) => `${not}${value}`);
const orderMatch = fc.tuple(oneOf("<", "<=", ">", ">="), port).map(([order, value]) => `${order} ${value}`);

function addressMatch(all: readonly string[], networks: readonly string[]) {
  const several = fc.uniqueArray(oneOf(...all), { minLength: 2, maxLength: 4 });
  const range = fc.uniqueArray(fc.nat(all.length - 1), { minLength: 2, maxLength: 2 }).map((two) => {
    const [first, last] = two.toSorted((a, b) => a - b);
    return `${all[first!]}-${all[last!]}`;
  });
  const value = fc.oneof(
    oneOf(...all),
    oneOf(...networks),
    several.map((some) => `{ ${some.join(", ")} }`),
    range,
  );
  return fc.tuple(oneOf("", "!= "), value).map(([not, text]) => `${not}${text}`);
}

export const ofPorts = [
  portMatch.map((value) => `tcp dport ${value}`),
  portMatch.map((value) => `udp dport ${value}`),
  orderMatch.map((value) => `tcp dport ${value}`),
  portMatch.map((value) => `th dport ${value}`),
];

export const ofTransport = [
  ...ofPorts,
  oneOf("th sport & 3 == 2", "th sport & 0x8 != 0", "tcp sport 20000-21000", "udp sport >= 20050"),
  oneOf("tcp flags syn", "tcp flags & (syn | ack) == syn", "tcp flags ack", "tcp flags ! syn"),
  oneOf("meta l4proto tcp", "meta l4proto udp", "meta l4proto { tcp, udp }", "meta l4proto != tcp"),
  oneOf("udp length > 20", "@th,16,16 80", "@th,0,8 & 0x7f >= 0x20", "meta l4proto { 1, 58 }"),
];

export const ofMeta = [
  oneOf("meta mark 1", "meta mark & 0x3 == 1", "meta mark 1-3", "meta mark != 0", "meta mark { 1, 4 }"),
  oneOf("meta length < 60", "meta length > 40", "meta length 40-48"),
  oneOf("meta pkttype host", "meta pkttype != broadcast"),
];

export const ofInput = oneOf(
  ...['iifname "ra"', 'iifname "r*"', 'iifname != "ra"', 'iifname { "ra", "eth0" }'],
  ...["meta iifgroup 7", 'meta iifkind "veth"'],
);
export const ofOutput = oneOf(
  ...['oifname "rb"', 'oifname "r*"', 'oifname != "ra"', 'oifname { "rb", "lo" }', "meta oifgroup 0"],
);

export const ofIpv4 = [
  addressMatch(addresses4, networks4).map((value) => `ip saddr ${value}`),
  addressMatch(addresses4, networks4).map((value) => `ip daddr ${value}`),
  oneOf("ip dscp cs1", "ip dscp != cs0", "ip ttl < 60", "ip ttl { 63, 64 }", "ip protocol udp", "ip protocol != tcp"),
  fc
    .uniqueArray(fc.tuple(oneOf(...addresses4), port), { minLength: 1, maxLength: 3, selector: String })
    .map((all) => `ip daddr . tcp dport { ${all.map(([address, number]) => `${address} . ${number}`).join(", ")} }`),
  fc
    .tuple(oneOf(...networks4.slice(0, 2)), portRange)
    .map(([network, range]) => `ip daddr . udp dport { ${network} . ${range}, 172.16.0.0/12 . 1-10 }`),
  oneOf("icmp type echo-request", "icmp type != echo-request", "icmp type { echo-reply, echo-request }"),
];

export const ofIpv6 = [
  addressMatch(addresses6, networks6).map((value) => `ip6 saddr ${value}`),
  addressMatch(addresses6, networks6).map((value) => `ip6 daddr ${value}`),
  oneOf("ip6 hoplimit < 60", "ip6 nexthdr tcp", "ip6 dscp cs1", "ip6 nexthdr != udp"),
  oneOf("icmpv6 type echo-request", "icmpv6 type { nd-neighbor-solicit, echo-request }"),
  fc.tuple(oneOf(...addresses6), port).map(([address, number]) => `ip6 daddr . th dport { ${address} . ${number} }`),
];

const states = oneOf("new", "established,related", "invalid", "untracked", "new,established");

export const ofConnection = [
  states.map((value) => `ct state ${value}`),
  oneOf("ct state != new", "ct state != { new, established }", "ct state != invalid"),
  oneOf("ct direction original", "ct mark 1", "ct mark != 0", "ct status dnat", "ct status & snat == 0"),
  oneOf("ct state . meta mark { new . 0, new . 1 }"),
];

export const ofRouting = [
  oneOf(
    "fib daddr type local",
    "fib daddr type != local",
    "fib saddr type { unicast, local }",
    "fib daddr type unicast",
  ),
];
export const ofReverseRouting = [oneOf("fib saddr . iif oif exists", "fib saddr oif 0", 'fib daddr oifname "rb"')];

export const ofLink = [
  oneOf("ether saddr 02:00:00:00:00:0a", "ether daddr != 02:00:00:00:00:0a", "meta protocol ip6", "meta protocol ip"),
];
