/** Planted rules that drop: any table, chain, policy, set, map and jump, and those of iptables. */
import { needs } from "../../support/needs.ts";
import { both, type Fault, testFaults } from "./fault.ts";
import { openScene, type Scene } from "./scene.ts";

/** A table `f` with a base chain `c`. */
function table(family: string, head: string, ...lines: readonly string[]): string {
  const add = lines
    .map((line) => `nft add ${line.includes(" @c ") ? line.replace(" @c ", ` ${family} f c `) : line}`)
    .join("\n");
  return `nft add table ${family} f\nnft 'add chain ${family} f c { type filter hook ${head}; }'\n${add}`;
}

const dropped = (name: string, rest: Partial<Fault> & { plant: string; undo: string }): Fault => ({
  name,
  to: "C",
  code: "dropped-by-rule",
  where: "host",
  ...rest,
});
const of = (family: string) => `nft delete table ${family} f`;
const inForward = (rule: string, before: readonly string[] = [], family = "inet") => ({
  plant: table(family, "forward priority 0", ...before, `rule @c ${rule}`),
  undo: of(family),
});

describe("explain names the rule that drops", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "iptables");
    scene = openScene();
  });
  after(() => scene?.[Symbol.dispose]());

  testFaults(
    () => scene,
    [
      ...both(dropped("everything", inForward("drop")), {}),
      dropped("by protocol", inForward("ip protocol icmp drop")),
      dropped("by protocol", { ...inForward("meta l4proto ipv6-icmp icmpv6 type echo-request drop"), isIpv6: true }),
      dropped("by type", inForward("icmp type echo-request counter drop")),
      dropped("by address", inForward("ip daddr $C4 drop")),
      dropped("by address", { ...inForward("ip6 daddr $C6 drop"), isIpv6: true }),
      dropped("by network", inForward("ip saddr 10.20.0.0/24 ip daddr 10.21.0.0/16 drop")),
      dropped("by link", inForward('iifname "lab0" oifname "lab1" drop')),
      dropped("by part of a link's name", inForward("iifname 'lab*' drop")),
      dropped("by a set", inForward("ip daddr '{ 10.9.9.9, '$C4' }' drop")),
      dropped(
        "by a named set with intervals",
        inForward("ip daddr @s drop", [
          "set inet f s '{ type ipv4_addr; flags interval; }'",
          "element inet f s '{ 10.21.0.0/24 }'",
        ]),
      ),
      dropped("by a concatenation", inForward("iifname . ip daddr '{ \"lab0\" . '$C4' }' drop")),
      dropped("by a verdict map", inForward("ip daddr vmap '{ '$C4' : drop }'")),
      dropped("by a map of a protocol", inForward("meta l4proto vmap '{ icmp : drop, tcp : accept }'")),
      dropped(
        "in a chain that is jumped to",
        inForward("jump d", ["chain inet f d", "rule inet f d ip daddr $C4 drop"]),
      ),
      dropped("in a chain that is gone to", inForward("goto d", ["chain inet f d", "rule inet f d reject"])),
      dropped(
        "three jumps deep",
        inForward("jump d", [
          "chain inet f e",
          "rule inet f e drop",
          "chain inet f g",
          "rule inet f g jump e",
          "chain inet f d",
          "rule inet f d jump g",
        ]),
      ),
      ...both(dropped("reject", inForward("reject")), {}),
      dropped("by state", inForward("ct state new drop")),
      dropped("the answer, by state", inForward("ct state established drop")),
      dropped("the answer, by direction", inForward("ct direction reply drop")),
      dropped("by a mark that an earlier chain sets", {
        plant: `${table("inet", "prerouting priority -150", "rule @c meta mark set 7")}\nnft 'add chain inet f d { type filter hook forward priority 5; }'\nnft add rule inet f d meta mark 7 drop`,
        undo: of("inet"),
      }),
      dropped("in the table ip", inForward("drop", [], "ip")),
      dropped("in the table ip6", { ...inForward("drop", [], "ip6"), isIpv6: true }),
      dropped("in prerouting", {
        plant: table("inet", "prerouting priority -300", 'rule @c iifname "lab0" ip daddr $C4 drop'),
        undo: of("inet"),
      }),
      dropped("in postrouting", {
        plant: table("inet", "postrouting priority 50", 'rule @c oifname "lab1" ip daddr $C4 drop'),
        undo: of("inet"),
      }),
      dropped("as a frame enters the host's end", {
        plant: table("netdev", "ingress device '$HA' priority 0", "rule @c ip daddr $C4 drop"),
        undo: of("netdev"),
      }),
      dropped("by a later base chain, after an accept", {
        plant: `${table("inet", "forward priority -10", "rule @c accept")}\nnft 'add chain inet f late { type filter hook forward priority 10; }'\nnft add rule inet f late ip daddr $C4 drop`,
        undo: of("inet"),
      }),
      dropped("by fib", {
        plant: table("inet", "prerouting priority -10", "rule @c fib daddr type unicast ip daddr $C4 drop"),
        undo: of("inet"),
      }),
      dropped("ARP in the table bridge", {
        to: "B",
        ...{ plant: table("bridge", "forward priority 0", "rule @c ether type arp drop"), undo: of("bridge") },
      }),
      dropped("ARP as it enters", {
        to: "B",
        where: "host",
        plant: table("netdev", "ingress device '$HA' priority 0", "rule @c ether type arp drop"),
        undo: of("netdev"),
      }),
      dropped("neighbour discovery in the table bridge", {
        to: "B",
        isIpv6: true,
        plant: table("bridge", "forward priority 0", "rule @c icmpv6 type nd-neighbor-solicit drop"),
        undo: of("bridge"),
      }),
      dropped("IPv4 in the table bridge", {
        to: "B",
        plant: table("bridge", "forward priority 0", "rule @c ip protocol icmp drop"),
        undo: of("bridge"),
      }),
      dropped("by the port in the table bridge", {
        to: "B",
        plant: table("bridge", "forward priority 0", "rule @c iifname $HA oifname $HB drop"),
        undo: of("bridge"),
      }),
      dropped("by the hardware address", {
        to: "B",
        plant: table("bridge", "prerouting priority 0", "rule @c ether saddr $MA drop"),
        undo: of("bridge"),
      }),
      dropped("iptables -j DROP", { plant: "iptables -A FORWARD -s $A4 -d $C4 -j DROP", undo: "iptables -F FORWARD" }),
      dropped("iptables -j REJECT", { plant: "iptables -A FORWARD -p icmp -j REJECT", undo: "iptables -F FORWARD" }),
      dropped("iptables with conntrack", {
        plant: "iptables -A FORWARD -m conntrack --ctstate NEW -m comment --comment x -j DROP",
        undo: "iptables -F FORWARD",
      }),
      dropped("iptables in a chain of its own", {
        plant: "iptables -N OWN; iptables -A OWN -i lab0 -o lab1 -j DROP; iptables -A FORWARD -j OWN",
        undo: "iptables -F FORWARD; iptables -F OWN; iptables -X OWN",
      }),
      dropped("iptables with addrtype", {
        plant: "iptables -t mangle -A PREROUTING -i lab0 -m addrtype --dst-type UNICAST -d $C4 -j DROP",
        undo: "iptables -t mangle -F PREROUTING",
      }),
      dropped("iptables with iprange", {
        plant: "iptables -A FORWARD -m iprange --dst-range 10.21.0.1-10.21.0.20 -j DROP",
        undo: "iptables -F FORWARD",
      }),
      dropped("iptables by mark", {
        plant:
          "iptables -t mangle -A PREROUTING -i lab0 -j MARK --set-mark 9; iptables -A FORWARD -m mark --mark 9 -j DROP",
        undo: "iptables -t mangle -F PREROUTING; iptables -F FORWARD",
      }),
      dropped("ip6tables", {
        isIpv6: true,
        plant: "ip6tables -A FORWARD -s $A6 -j DROP",
        undo: "ip6tables -F FORWARD",
      }),
    ],
  );

  const policy = (name: string, rest: Partial<Fault> & { plant: string; undo: string }): Fault => ({
    ...{ name, to: "C", where: "host", ...rest },
    code: rest.code ?? "dropped-by-policy",
  });
  testFaults(
    () => scene,
    [
      ...both(
        policy("of a forward chain", { plant: table("inet", "forward priority 0; policy drop"), undo: of("inet") }),
        {},
      ),
      policy("of a chain with an accept of something else", {
        plant: table("ip", "forward priority 0; policy drop", "rule @c tcp dport 80 accept"),
        undo: of("ip"),
      }),
      policy("of a chain that returns", {
        plant: table(
          "inet",
          "forward priority 0; policy drop",
          "chain inet f d",
          "rule inet f d return",
          "rule @c jump d",
        ),
        undo: of("inet"),
      }),
      policy("of iptables", { plant: "iptables -P FORWARD DROP", undo: "iptables -P FORWARD ACCEPT" }),
      policy("of ip6tables", { isIpv6: true, plant: "ip6tables -P FORWARD DROP", undo: "ip6tables -P FORWARD ACCEPT" }),
    ],
  );

  const inside = (letter: "a" | "b", plant: string) => `in_${letter} sh -ec '${plant.replaceAll("'", `'"'"'`)}'`;
  const own = (
    name: string,
    letter: "a" | "b",
    code: Fault["code"],
    hook: string,
    rule = "drop",
    isIpv6 = false,
  ): Fault => ({
    ...{ name, code, isIpv6, to: "B", where: letter.toUpperCase() },
    plant: inside(letter, table("inet", hook, ...(rule === "" ? [] : [`rule @c ${rule}`]))),
    undo: inside(letter, of("inet")),
  });
  testFaults(
    () => scene,
    [
      own("the sender's own rule", "a", "dropped-by-rule", "output priority 0", "icmp type echo-request drop"),
      own("the sender's own policy", "a", "dropped-by-policy", "output priority 0; policy drop", ""),
      own("the sender's rule about answers", "a", "dropped-by-rule", "input priority 0", "icmp type echo-reply drop"),
      own("the receiver's rule", "b", "dropped-inside", "input priority 0", "icmp type echo-request drop"),
      own("the receiver's rule", "b", "dropped-inside", "input priority 0", "icmpv6 type echo-request drop", true),
      own("the receiver's policy", "b", "dropped-inside", "input priority 0; policy drop", ""),
      own("the receiver's rule about answers", "b", "dropped-inside", "output priority 0", "icmp type echo-reply drop"),
      own(
        "the receiver's rule by state",
        "b",
        "dropped-inside",
        "prerouting priority -10",
        "ct state new icmp type echo-request drop",
      ),
    ],
  );
});

describe("explain names a sender with another hardware address", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft bridge", "ipv6", "ping");
    scene = openScene({ network: { macspoofchk: true } });
  });
  after(() => scene?.[Symbol.dispose]());

  testFaults(
    () => scene,
    both(
      {
        name: "where macspoofchk is on",
        code: "spoof-check",
        where: "host",
        plant: "in_a ip link set eth0 address 02:00:00:00:00:66",
        undo: "in_a ip link set eth0 address $MA",
      },
      {},
    ),
  );
});
