/**
 * Rulesets as other programs write them: `explain` says reachable if, and only if, traffic flows. firewalld is the real
 * one; the rules of docker, podman, kube-proxy and ufw are written here in the form that these programs give them.
 */
import assert from "node:assert/strict";
import { startFirewalld } from "../../support/firewalld.ts";
import { needs } from "../../support/needs.ts";
import { tcpServer } from "../../support/tcp.ts";
import { explainFault, flows, shown } from "./fault.ts";
import { bridgeRules, openScene, type Scene } from "./scene.ts";

/** moby 20.10: bridge docker0, one container with a published port. */
const docker = `*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
`;
const dockerAllowing = docker.replace(
  "-A DOCKER-USER -j RETURN",
  "-A DOCKER-USER -i lab0 -j ACCEPT\n-A DOCKER-USER -o lab0 -j ACCEPT\n-A DOCKER-USER -j RETURN",
);

/** netavark 1.4 with iptables. */
const podman = `*nat
:POSTROUTING ACCEPT [0:0]
:PREROUTING ACCEPT [0:0]
:NETAVARK-1D8721804F16F - [0:0]
:NETAVARK-HOSTPORT-DNAT - [0:0]
:NETAVARK-HOSTPORT-MASQ - [0:0]
:NETAVARK-HOSTPORT-SETMARK - [0:0]
:NETAVARK-DN-1D8721804F16F - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT
-A POSTROUTING -j NETAVARK-HOSTPORT-MASQ
-A POSTROUTING -s 10.88.0.0/16 -j NETAVARK-1D8721804F16F
-A NETAVARK-1D8721804F16F -d 10.88.0.0/16 -j ACCEPT
-A NETAVARK-1D8721804F16F ! -d 224.0.0.0/4 -j MASQUERADE
-A NETAVARK-DN-1D8721804F16F -s 10.88.0.0/16 -p tcp -m tcp --dport 9091 -j NETAVARK-HOSTPORT-SETMARK
-A NETAVARK-DN-1D8721804F16F -p tcp -m tcp --dport 9091 -j DNAT --to-destination 10.88.0.2:80
-A NETAVARK-HOSTPORT-DNAT -p tcp -m tcp --dport 9091 -j NETAVARK-DN-1D8721804F16F
-A NETAVARK-HOSTPORT-MASQ -m comment --comment "netavark portfw masq mark" -m mark --mark 0x2000/0x2000 -j MASQUERADE
-A NETAVARK-HOSTPORT-SETMARK -j MARK --set-xmark 0x2000/0x2000
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:NETAVARK_FORWARD - [0:0]
-A FORWARD -m comment --comment "netavark firewall rules" -j NETAVARK_FORWARD
-A NETAVARK_FORWARD -d 10.88.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A NETAVARK_FORWARD -s 10.88.0.0/16 -j ACCEPT
COMMIT
`;

/** kube-proxy 1.27 in the mode iptables: a service with two endpoints. */
const kubeProxy = (one: string, two: string) => `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-ABC - [0:0]
:KUBE-SEP-ONE - [0:0]
:KUBE-SEP-TWO - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-ABC
-A KUBE-SVC-ABC ! -s 10.244.0.0/16 -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-ABC -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-ONE
-A KUBE-SVC-ABC -j KUBE-SEP-TWO
-A KUBE-SEP-ONE -s ${one}/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-ONE -p tcp -m tcp -j DNAT --to-destination ${one}:80
-A KUBE-SEP-TWO -s ${two}/32 -j KUBE-MARK-MASQ
-A KUBE-SEP-TWO -p tcp -m tcp -j DNAT --to-destination ${two}:80
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
`;

/** ufw 0.36: its forward chains, routed traffic denied. */
const ufw = `*filter
:FORWARD DROP [0:0]
:ufw-before-forward - [0:0]
:ufw-user-forward - [0:0]
:ufw-after-logging-forward - [0:0]
-A FORWARD -j ufw-before-forward
-A FORWARD -j ufw-after-logging-forward
-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-forward -p icmp -m icmp --icmp-type 3 -j ACCEPT
-A ufw-before-forward -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-forward -j ufw-user-forward
-A ufw-after-logging-forward -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
COMMIT
`;

/** The reference's firewall plugin with iptables, for A and B. */
const referenceFirewall = (one: string, two: string) => `*filter
:FORWARD DROP [0:0]
:CNI-ADMIN - [0:0]
:CNI-FORWARD - [0:0]
-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN
-A CNI-FORWARD -d ${one}/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s ${one}/32 -j ACCEPT
-A CNI-FORWARD -d ${two}/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s ${two}/32 -j ACCEPT
COMMIT
`;

const questions = [
  { from: "A", to: "B" },
  { from: "A", to: "C" },
  { from: "C", to: "A" },
  { from: "A", to: "host" },
  { from: "host", to: "C" },
  { from: "A", to: "192.0.2.2" },
  { from: "A", to: "B", port: "80" },
  { from: "A", to: "C", port: "80" },
  { from: "C", to: "10.21.0.1", port: "8080" },
] as const;

describe("explain agrees with traffic, where other programs have written rules", function () {
  this.timeout(120_000);
  let scene: Scene;
  const servers: Disposable[] = [];
  before(async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ipv6", "ping", "iptables");
    scene = openScene({ publish: ["8080:80"] });
    for (const letter of ["B", "C"]) servers.push(await tcpServer(scene.netns(letter), "0.0.0.0", 80));
  });
  after(() => {
    for (const one of servers) one[Symbol.dispose]();
    scene?.[Symbol.dispose]();
  });

  /** Answers how many of the questions are blocked. */
  function compare(asked: readonly { from: string; to: string; port?: string }[] = questions): number {
    let blocked = 0;
    for (const question of asked) {
      const found = explainFault(scene, question);
      assert.notEqual(found.verdict, "unsure", `${JSON.stringify(question)}: ${shown(found)}`);
      const isReachable = found.verdict === "reachable";
      const seconds = isReachable ? 3 : 0.4;
      assert.equal(flows(scene, question, seconds), isReachable, `${JSON.stringify(question)}: ${shown(found)}`);
      if (!isReachable) blocked++;
    }
    return blocked;
  }

  function withIptables(rules: string, bridged: 0 | 1, work: () => void): void {
    const file = scene.place.file("rules.ipt", rules);
    bridgeRules(scene.netns("host"), bridged);
    scene.shell(`iptables-restore < ${file}`);
    try {
      work();
    } finally {
      bridgeRules(scene.netns("host"), 0);
      scene.shell("nft delete table ip filter; nft delete table ip nat 2>/dev/null || true");
    }
  }

  const texts: readonly (readonly [name: string, rules: () => string, isBlocking: boolean])[] = [
    ["docker", () => docker, true],
    ["docker, with accepts in DOCKER-USER", () => dockerAllowing, false],
    ["podman", () => podman, false],
    ["ufw", () => ufw, true],
    ["the reference's firewall", () => referenceFirewall(scene.variables["A4"]!, scene.variables["B4"]!), true],
  ];
  for (const [name, rules, isBlocking] of texts) {
    for (const bridged of [0, 1] as const) {
      it(`${name}, br_netfilter ${bridged === 0 ? "off" : "on"}`, () =>
        withIptables(rules(), bridged, () => {
          const blocked = compare();
          if (isBlocking) assert.ok(blocked > 0);
          else assert.equal(blocked, 0);
        }));
    }
  }

  it("kube-proxy: a service whose endpoints all listen", () =>
    withIptables(kubeProxy(scene.variables["B4"]!, scene.variables["C4"]!), 0, () => {
      assert.equal(compare([...questions, { from: "A", to: "10.96.0.10", port: "80" }]), 0);
    }));

  it("kube-proxy: unsure, and names the rule, where one of two endpoints is gone", () =>
    withIptables(kubeProxy(scene.variables["B4"]!, "10.21.0.99"), 0, () => {
      const { verdict, cause } = explainFault(scene, { from: "A", to: "10.96.0.10", port: "80" });
      assert.equal(verdict, "unsure");
      assert.match(cause!.what, /match statistic in table ip nat, chain KUBE-SVC-ABC, handle \d+/);
    }));

  it("firewalld", async function () {
    needs(this, "firewalld", "dbus-daemon");
    await using firewalld = await startFirewalld(scene.netns("host"));
    assert.ok(compare() > 0, "firewalld's default zone forwards nothing");
    firewalld.ask("--zone=trusted", "--add-interface=lab0");
    firewalld.ask("--zone=trusted", "--add-interface=lab1");
    assert.equal(compare(questions.filter(({ to }) => to !== "192.0.2.2")), 0);
  });
});
