/** Random rulesets in the language of nft(8), and random packets that their rules are about. */
import fc from "fast-check";
import type { PacketFields } from "../../support/packets/build.ts";
import {
  addresses4,
  addresses6,
  ofConnection,
  ofInput,
  ofIpv4,
  ofIpv6,
  ofLink,
  ofMeta,
  ofOutput,
  ofPorts,
  ofReverseRouting,
  ofRouting,
  ofTransport,
  oneOf,
  port,
} from "./matches.ts";

export type TableFamily = "inet" | "ip" | "ip6" | "netdev" | "bridge";

/** Where a rule is: decides what nft(8) and the kernel accept there. */
interface Spot {
  readonly family: TableFamily;
  /** Absent in a chain that others jump to. */
  readonly hook: string | undefined;
}

const isIp = ({ family }: Spot) => family !== "netdev" && family !== "bridge";

function matchesAt(spot: Spot): fc.Arbitrary<string> {
  const { family, hook } = spot;
  const hasReverse = hook === "prerouting" || hook === "input" || hook === "forward";
  return fc.oneof(
    ...ofTransport,
    ...ofMeta,
    ofInput,
    ofOutput,
    ...(family === "ip6" ? [] : ofIpv4),
    ...(family === "ip" ? [] : ofIpv6),
    ...(family === "inet" ? [oneOf("meta nfproto ipv4", "meta nfproto ipv6")] : []),
    ...(isIp(spot) ? [...ofConnection, oneOf("th dport @ports", "th dport != @ports")] : []),
    ...(isIp(spot) && hook !== undefined ? ofRouting : []),
    ...(isIp(spot) && hasReverse ? ofReverseRouting : []),
    ...(family === "ip" || family === "ip6" ? [] : ofLink),
  );
}

const marks = oneOf(
  ...["meta mark set 1", "meta mark set meta mark | 0x2", "meta mark set meta mark & 0xfe", "meta mark set 4"],
  ...["counter", "meta mark set meta mark ^ 3", "meta mark set meta mark << 1"],
);
const ofConnectionStatements = oneOf(
  ...["ct mark set 1", "ct mark set meta mark", "meta mark set ct mark", "th dport @ports drop"],
  ...["add @seen { th dport } counter", "th dport @seen drop"],
);

/** Ends of a rule. `chains` may be jumped to. */
function statementsAt(spot: Spot, chains: readonly string[]): fc.Arbitrary<string> {
  const jump = chains.length === 0 ? "drop" : `jump ${chains[0]}`;
  const jumps = chains.flatMap((name) => [`jump ${name}`, `jump ${name}`, `goto ${name}`]);
  return fc.oneof(
    oneOf("accept", "drop", "return", "continue", "accept", "drop"),
    oneOf("accept", "drop", ...jumps),
    oneOf("continue", ...jumps),
    marks,
    oneOf(
      "meta mark set th dport map { 80 : 1, 443 : 2, 1000-30000 : 3 }",
      `th dport vmap { 22 : accept, 80 : ${jump}, 1000-9000 : drop }`,
      `meta l4proto vmap { tcp : ${jump}, udp : continue, * : return }`,
      "th dport . meta mark vmap { 80 . 0 : accept, 443 . 1 : drop }",
    ),
    ...(isIp(spot) ? [ofConnectionStatements] : []),
    ...(isIp(spot) && spot.hook !== undefined ? [oneOf("th dport vmap @verdicts")] : []),
    ...(/input|forward|output/.test(spot.hook ?? "") ? [oneOf("reject")] : []),
    ...(spot.family === "inet" ? [oneOf("ip ttl set 33", "ip dscp set cs1", "tcp dport set 443")] : []),
  );
}

/** nft(8) refuses a rule about two versions of IP, or two protocols: leaves out the words that do not fit those before. */
function fitting(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (const one of [words.at(-1)!, ...words.slice(0, -1)]) {
    const all = [...kept, one];
    const isMixed = [versionsSaid, protocolsSaid].some(
      (kinds) => kinds.filter((kind) => all.some((text) => kind.test(text))).length > 1,
    );
    if (!isMixed) kept.push(one);
  }
  return kept.length > 0 && kept[0] === words.at(-1) ? [...kept.slice(1), kept[0]!] : kept;
}
const versionsSaid = [/^ip |^icmp |ipv4|protocol ip$/, /^ip6 |^icmpv6 |ipv6|protocol ip6/];
const protocolsSaid = [
  /^tcp |tcp dport|l4proto tcp/,
  /^udp |udp dport|l4proto udp/,
  /^icmp |^icmpv6 |l4proto \{ 1, 58/,
];

/** Rarely what cannot be known. */
const unknowns = oneOf("limit rate 1000/second accept", "meta cpu 0 counter", "numgen random mod 2 0 accept");

function rulesAt(spot: Spot, chains: readonly string[], max: number): fc.Arbitrary<string[]> {
  const statement = fc.oneof(
    { weight: 150, arbitrary: statementsAt(spot, chains) },
    { weight: 1, arbitrary: unknowns },
  );
  const rule = fc
    .tuple(fc.array(matchesAt(spot), { maxLength: 3, size: "max" }), statement)
    .map(([matches, words]) => fitting([...matches, words]).join(" "));
  return fc.array(rule, { minLength: 1, maxLength: max, size: "max" });
}

const natTargets: Readonly<Record<"ip" | "ip6", readonly string[]>> = {
  ip: ["10.2.0.2", "10.2.0.2:80", "10.2.0.9:1000", "10.1.0.1", "10.2.0.1:53"],
  ip6: ["fd02::2", "[fd02::2]:80", "[fd02::9]:1000", "fd01::1"],
};
const sourceTargets: Readonly<Record<"ip" | "ip6", readonly string[]>> = {
  ip: ["10.2.0.77", "10.2.0.78:40000-40100"],
  ip6: ["fd02::77", "[fd02::78]:40000-40100"],
};

/** A rule about one protocol and one version of IP, as `dnat` with a port needs it. */
function natRule(family: "ip" | "ip6" | "inet", hook: string): fc.Arbitrary<string> {
  const isSource = hook === "postrouting" || hook === "input";
  // A packet that the namespace sends to itself passes the hooks twice.
  const isOther = (to: string) => hook !== "output" || !/^(?:10\.[12]\.0\.1|fd01::1)(?!\d)/.test(to);
  const versions: readonly ("ip" | "ip6")[] = family === "inet" ? ["ip", "ip6"] : [family];
  return fc
    .constantFrom(...versions.flatMap((ip) => ["tcp", "udp"].map((protocol) => ({ ip, protocol }))))
    .chain(({ protocol, ip }) => {
      const version = family === "inet" ? ip : "";
      const match = fc.oneof(
        ...(ip === "ip" ? ofIpv4 : ofIpv6).slice(0, 2),
        ofPorts[3]!,
        isSource ? ofOutput : ofInput,
      );
      const own = hook === "output" ? [] : ["redirect to :8080", "redirect"];
      const ways = isSource
        ? [...sourceTargets[ip].map((to) => `snat ${version} to ${to}`), ...(hook === "input" ? [] : ["masquerade"])]
        : [...natTargets[ip].filter(isOther).map((to) => `dnat ${version} to ${to}`), ...own];
      const map =
        "dnat ip to ip daddr . tcp dport map { 10.1.0.1 . 80 : 10.2.0.2 . 8080, 10.2.0.9 . 443 : 10.2.0.2 . 22 }";
      const whole = ip === "ip" && !isSource && protocol === "tcp" && family !== "inet" ? [map] : [];
      const where = hook === "input" ? oneOf("accept", "return", ...ways) : oneOf(...ways, ...ways, "accept", "return");
      const usual = fc
        .tuple(fc.array(match, { maxLength: 2 }), where)
        .map(([all, words]) =>
          [
            `meta l4proto ${protocol}`,
            ...(version ? [`meta nfproto ipv${ip === "ip" ? 4 : 6}`] : []),
            ...all,
            words,
          ].join(" "),
        );
      return whole.length === 0
        ? usual
        : fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: oneOf(...whole) });
    });
}

const priorities = [-300, -160, -150, -50, -10, 0, 5, 50, 150];
const hooksOf: Readonly<Record<TableFamily, readonly string[]>> = {
  inet: ["prerouting", "input", "forward", "output", "postrouting"],
  ip: ["prerouting", "input", "forward", "output", "postrouting"],
  ip6: ["prerouting", "input", "forward", "output", "postrouting"],
  netdev: ["ingress"],
  bridge: ["prerouting", "input", "forward", "postrouting"],
};
const jumpNames = ["j0", "j1", "j2"];

const chainText = (name: string, lines: readonly string[]) =>
  `  chain ${name} {\n${lines.map((line) => `    ${line}`).join("\n")}\n  }`;

const namedSets = `  set ports { type inet_service; flags interval; elements = { 22, 80-90, 1000-2000 }; }
  set seen { type inet_service; size 1000; flags dynamic; }
  map verdicts { type inet_service : verdict; elements = { 22 : accept, 80 : jump j2, 443 : drop }; }
`;

function baseChains(family: TableFamily, device: string): fc.Arbitrary<string[]> {
  const shape = fc.tuple(oneOf(...hooksOf[family]), oneOf(...priorities), oneOf("accept", "accept", "accept", "drop"));
  const shapes = fc.uniqueArray(shape, { minLength: 1, maxLength: 4, selector: ([hook, order]) => `${hook} ${order}` });
  const on = family === "netdev" ? `device "${device}" ` : "";
  return shapes.chain((all) =>
    fc.tuple(
      ...all.map(([hook, priority, policy], i) => {
        const head = `type filter hook ${hook} ${on}priority ${priority}; policy ${policy};`;
        return rulesAt({ family, hook }, jumpNames, 6).map((rules) => chainText(`b${i}`, [head, ...rules]));
      }),
    ),
  );
}

function natChains(family: TableFamily): fc.Arbitrary<string[]> {
  if (family === "netdev" || family === "bridge") return fc.constant([]);
  return fc.uniqueArray(oneOf("prerouting", "postrouting", "output", "input"), { maxLength: 3 }).chain((hooks) =>
    fc.tuple(
      ...hooks.map((hook) => {
        const head = `type nat hook ${hook} priority ${hook === "postrouting" || hook === "input" ? 100 : -100};`;
        const rules = fc.array(natRule(family, hook), { minLength: 1, maxLength: 4 });
        return rules.map((all) => chainText(`n_${hook}`, [head, ...all]));
      }),
    ),
  );
}

function tableOf(name: string, family: TableFamily, device: string): fc.Arbitrary<string> {
  const jumped = jumpNames.map((chain, i) =>
    rulesAt({ family, hook: undefined }, jumpNames.slice(i + 1), 3).map((rules) => chainText(chain, rules)),
  );
  const nat = fc.oneof(fc.constant<string[]>([]), natChains(family));
  return fc.tuple(fc.tuple(...jumped), baseChains(family, device), nat).map(([others, bases, ofNat]) => {
    const sets = isIp({ family, hook: undefined }) ? namedSets : "";
    return `table ${family} ${name} {\n${sets}${[...others.toReversed(), ...bases, ...ofNat].join("\n")}\n}\n`;
  });
}

/** Each rule gets a comment that names it. */
function numbered(text: string): string {
  let count = 0;
  return text.replace(/^ {4}(?!type )(.*)$/gm, (_, rule: string) => `    ${rule} comment "r${++count}"`);
}

/** `device`: where chains of netdev are. */
export function rulesets(families: readonly TableFamily[], device: string): fc.Arbitrary<string> {
  return fc
    .array(oneOf(...families), { minLength: 1, maxLength: 3 })
    .chain((all) => fc.tuple(...all.map((family, i) => tableOf(`t${i}`, family, device))))
    .map((tables) => numbered(tables.join("")));
}

export interface Sent extends Omit<PacketFields, "label" | "sourcePort"> {
  /** The namespace with the rules sends it itself. */
  readonly isLocal: boolean;
}

/** The kernel's own packets have another one, by which the trace leaves them out. */
export const localTtl = 61;

export const packets: fc.Arbitrary<Sent> = fc
  .record({
    isIpv6: fc.boolean(),
    isLocal: oneOf(false, false, true),
    from: oneOf(1, 2, 6),
    to: oneOf(0, 3, 4, 5, 4),
    own: oneOf(0, 3),
    protocol: oneOf("tcp" as const, "udp" as const, "tcp" as const, "icmp" as const),
    destinationPort: port,
    tcpFlags: oneOf(2, 2, 16),
    dscp: oneOf(0, 0, 8),
    ttl: oneOf(64, 64, 30),
    payloadBytes: oneOf(0, 4, 30),
  })
  .map(({ isIpv6, from, to, own, isLocal, ...rest }) => {
    const all = isIpv6 ? addresses6 : addresses4;
    const target = isLocal && (to === 0 || to === 3) ? 4 : to;
    const ttl = isLocal ? localTtl : rest.ttl;
    return { ...rest, ttl, isLocal, source: all[isLocal ? own : from]!, destination: all[target]! };
  });
