/** Paths that work and look suspicious: none is called blocked, and traffic is the witness. */
import assert from "node:assert/strict";
import { needs } from "../../support/needs.ts";
import { skip } from "../../support/skip.ts";
import { tcpServer } from "../../support/tcp.ts";
import { explainFault, flows, shown } from "./fault.ts";
import { bridgeRules, openScene, type Scene } from "./scene.ts";

interface Suspicious {
  readonly name: string;
  /** Lines of nft(8), as a file; or shell lines after `sh:`. */
  readonly rules?: string;
  readonly shell?: string;
  readonly undo?: string;
  readonly from?: string;
  readonly to?: string;
  readonly isIpv6?: boolean;
  readonly port?: string;
}

const chain = (head: string, rules: string, family = "inet") =>
  `table ${family} f {\n chain c {\n type filter hook ${head}\n${rules}\n }\n}\n`;

const paths: readonly Suspicious[] = [
  {
    name: "rules that drop other addresses",
    rules: chain("forward priority 0", "ip saddr 10.99.0.0/16 drop\nip daddr != 10.20.0.0/14 drop"),
  },
  {
    name: "rules that drop other protocols",
    rules: chain(
      "forward priority 0",
      "tcp dport 22 drop\nmeta l4proto udp drop\nicmp type echo-reply ct state new drop",
    ),
  },
  {
    name: "counters and logs",
    rules: chain("forward priority 0", 'counter\nlog prefix "x "\nmeta mark set 5\nct mark set mark'),
  },
  { name: "an accept before a drop", rules: chain("forward priority 0", "accept\ndrop") },
  {
    name: "policy drop with the right accepts",
    rules: chain(
      "forward priority 0; policy drop;",
      'ct state established,related accept\niifname "lab0" oifname "lab1" accept',
    ),
  },
  {
    name: "policy drop with the right accepts",
    isIpv6: true,
    rules: chain("forward priority 0; policy drop;", "ct state established,related accept\nip6 saddr fd20::/64 accept"),
  },
  {
    name: "a drop for invalid packets",
    rules: chain("prerouting priority -150", "ct state invalid drop\nfib saddr . iif oif missing drop"),
  },
  {
    name: "a drop for links of other names",
    rules: chain(
      "forward priority 0",
      'iifname "docker*" drop\noifname "cni-*" drop\niifname != { "lab0", "lab1", "up0" } drop',
    ),
  },
  {
    name: "a jump that returns",
    rules:
      "table inet f {\n chain d {\n ip daddr 10.77.0.0/16 drop\n return\n drop\n }\n chain c {\n type filter hook forward priority 0\n jump d\n }\n}\n",
  },
  { name: "an unused chain that drops", rules: "table inet f {\n chain d {\n drop\n }\n}\n" },
  {
    name: "a dormant table that drops",
    rules: "table inet f {\n flags dormant\n chain c {\n type filter hook forward priority 0; policy drop;\n }\n}\n",
  },
  {
    name: "a set that lacks the address",
    rules:
      "table inet f {\n set s {\n type ipv4_addr; flags interval\n elements = { 10.0.0.0-10.19.255.255, 10.22.0.0/16 }\n }\n chain c {\n type filter hook forward priority 0\n ip daddr @s drop\n ip saddr @s drop\n }\n}\n",
  },
  {
    name: "a verdict map that accepts",
    rules: chain("forward priority 0; policy drop;", "ip daddr vmap { 10.20.0.0/14 : accept, 10.0.0.0/14 : drop }"),
  },
  {
    name: "a chain of the hook input that drops",
    rules: chain(
      "input priority 0; policy drop;",
      'ct state established accept\niifname "lo" accept\nicmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
    ),
  },
  {
    name: "a limit that is followed by an accept",
    rules: chain("forward priority 0", "limit rate 1/second accept\naccept"),
  },
  {
    name: "another link's frames are dropped",
    rules: 'table netdev f {\n chain c {\n type filter hook ingress device "up0" priority 0; policy drop;\n }\n}\n',
  },
  {
    name: "the table bridge drops what is not IP or ARP",
    to: "B",
    rules: chain("forward priority 0", "ether type != { ip, ip6, arp } drop", "bridge"),
  },
  {
    name: "the forward chain drops, but bridged packets do not come to it",
    to: "B",
    rules: chain("forward priority 0; policy drop;", ""),
  },
  {
    name: "br_netfilter with rules that accept",
    to: "B",
    shell:
      "sysctl -qw net.bridge.bridge-nf-call-iptables=1; nft add table inet f; nft 'add chain inet f c { type filter hook forward priority 0; policy drop; }'; nft add rule inet f c iifname lab0 oifname lab0 accept",
    undo: "nft delete table inet f; sysctl -qw net.bridge.bridge-nf-call-iptables=0",
  },
  {
    name: "iptables with chains of its own",
    shell:
      "iptables -N OWN; iptables -A OWN -s 10.99.0.0/16 -j DROP; iptables -A OWN -j RETURN; iptables -A FORWARD -j OWN; iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP",
    undo: "iptables -F; iptables -X OWN",
  },
  {
    name: "iptables' policy DROP with the right accepts",
    shell:
      "iptables -P FORWARD DROP; iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A FORWARD -i lab0 ! -o lab0 -j ACCEPT",
    undo: "iptables -P FORWARD ACCEPT; iptables -F",
  },
  {
    name: "strict rp_filter",
    shell: "sysctl -qw net.ipv4.conf.all.rp_filter=1",
    undo: "sysctl -qw net.ipv4.conf.all.rp_filter=0",
  },
  {
    name: "one isolated port",
    to: "B",
    shell: "bridge link set dev $HA isolated on",
    undo: "bridge link set dev $HA isolated off",
  },
  {
    name: "a rule that sends other sources elsewhere",
    shell: "ip rule add from 10.99.0.0/16 priority 500 blackhole",
    undo: "ip rule del priority 500",
  },
  {
    name: "a blackhole for the larger network",
    shell: "ip route add blackhole 10.0.0.0/8",
    undo: "ip route del blackhole 10.0.0.0/8",
  },
  {
    name: "a smaller MTU behind a router",
    shell: "ip link set lab1 mtu 1300; ip link set $HC mtu 1300; in_c ip link set eth0 mtu 1300",
    undo: "in_c ip link set eth0 mtu 1500; ip link set $HC mtu 1500; ip link set lab1 mtu 1500",
  },
  { name: "from the outside's side of a route", from: "host", to: "B" },
  { name: "to the host", from: "A", to: "host" },
  { name: "to the host", from: "A", to: "host", isIpv6: true },
  {
    name: "a permanent neighbour entry that is right",
    to: "B",
    shell: "in_a ip neigh replace $B4 lladdr $MB dev eth0 nud permanent",
    undo: "in_a ip neigh del $B4 dev eth0",
  },
];

describe("explain calls no healthy path blocked", function () {
  this.timeout(60_000);
  let scene: Scene;
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "iptables");
    scene = openScene({ publish: ["8080:80"] });
    bridgeRules(scene.netns("host"), 0);
  });
  after(() => scene?.[Symbol.dispose]());

  for (const path of paths) {
    const { name, rules, shell, undo, isIpv6 = false } = path;
    it(`${name}${isIpv6 ? " (IPv6)" : ""}`, () => {
      const file = rules && scene.place.file("rules.nft", rules);
      if (file) scene.shell(`nft -f ${file}`);
      if (shell) scene.shell(shell);
      try {
        const found = explainFault(scene, { to: "C", ...path });
        assert.equal(found.verdict, "reachable", shown(found));
        assert.ok(flows(scene, { to: "C", ...path }, 3), "traffic does not flow");
      } finally {
        if (undo) scene.shell(undo);
        if (file)
          scene.shell(`for family in inet ip bridge netdev; do nft delete table $family f 2>/dev/null || true; done`);
      }
    });
  }

  it("follows a published port, and a container's call of its own one", async () => {
    using _server = await tcpServer(scene.netns("B"), "0.0.0.0", 80);
    for (const [from, to] of [
      ["C", "10.21.0.1"],
      ["A", "10.20.0.1"],
      ["B", "10.20.0.1"],
    ] as const) {
      const found = explainFault(scene, { from, to, port: "8080" });
      assert.equal(found.verdict, "reachable", `${from}: ${shown(found)}`);
      assert.ok(flows(scene, { from, to, port: "8080" }, 3), `${from} does not reach ${to}`);
    }
  });

  it("is unsure, and names the rule, where a limit decides", () => {
    const file = scene.place.file(
      "rules.nft",
      chain("forward priority 0; policy drop;", "limit rate 1000/second accept"),
    );
    scene.shell(`nft -f ${file}`);
    try {
      const { verdict, cause } = explainFault(scene, { to: "C" });
      assert.equal(verdict, "unsure");
      assert.match(cause!.what, /limit in table inet f, chain c, handle \d+/);
    } finally {
      scene.shell("nft delete table inet f");
    }
  });

  it("is unsure where iptables-legacy has tables, whose rules it does not read", function () {
    const { host } = scene.place;
    const legacy = Bun.spawnSync(host.inside(["iptables-legacy", "-A", "FORWARD", "-s", "10.99.0.0/16", "-j", "DROP"]));
    if (legacy.exitCode !== 0) skip(this, `no iptables-legacy here: ${legacy.stderr}`);
    const { verdict, cause } = explainFault(scene, { to: "C" });
    scene.shell("iptables-legacy -F FORWARD");
    assert.equal(verdict, "unsure");
    assert.match(cause!.what, /iptables-legacy \(filter\) at forward in host/);
    assert.equal(explainFault(scene, { to: "C" }).verdict, "reachable", "an empty table does nothing");
    scene.shell("iptables-legacy -P FORWARD DROP");
    const dropping = explainFault(scene, { to: "C" });
    scene.shell("iptables-legacy -P FORWARD ACCEPT");
    assert.equal(dropping.verdict, "unsure");
  });

  it("is unsure about a bridge with VLAN filtering", function () {
    needs(this, "vlan filtering");
    scene.shell("ip link set lab0 type bridge vlan_filtering 1");
    const { verdict, cause } = explainFault(scene, { to: "B" });
    scene.shell("ip link set lab0 type bridge vlan_filtering 0");
    assert.equal(verdict, "unsure");
    assert.match(cause!.what, /the VLANs of the bridge lab0/);
  });

  it("follows each way of a service with numgen", async () => {
    const service = (targets: string) =>
      `table ip f {\n chain svc {\n ${targets}\n }\n chain c {\n type nat hook prerouting priority -110\n ip daddr 10.96.0.1 tcp dport 80 goto svc\n }\n}\n`;
    const both = "numgen random mod 2 vmap { 0 : goto one, 1 : goto two }";
    const chains = (second: string) =>
      `table ip f {\n chain one {\n tcp dport 80 dnat to ${scene.variables["B4"]}:80\n }\n chain two {\n tcp dport 80 dnat to ${second}:80\n }\n}\n`;
    using _b = await tcpServer(scene.netns("B"), "0.0.0.0", 80);
    using _a = await tcpServer(scene.netns("A"), "0.0.0.0", 80);
    const ask = () => explainFault(scene, { from: "C", to: "10.96.0.1", port: "80" });
    for (const [second, verdict] of [
      [scene.variables["A4"]!, "reachable"],
      ["10.20.0.99", "unsure"],
    ] as const) {
      scene.shell(`nft -f ${scene.place.file("rules.nft", chains(second) + service(both))}`);
      const found = ask();
      scene.shell("nft delete table ip f");
      assert.equal(found.verdict, verdict, shown(found));
    }
  });
});
