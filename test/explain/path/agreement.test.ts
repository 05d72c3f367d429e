/**
 * Rulesets of other programs: `explain` says reachable if, and only if, traffic flows. firewalld, ufw and the reference's
 * firewall plugin run here; the rules of docker and podman are captures, which test/clients/explain.test.ts compares with
 * what the programs write; those of kube-proxy, which Debian lacks, are written here in its form.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startFirewalld } from "../../support/firewalld.ts";
import { needs } from "../../support/needs.ts";
import { referencePlugins } from "../../support/plugin.ts";
import { run } from "../../support/sandbox.ts";
import { tcpServer } from "../../support/tcp.ts";
import { freshUfw } from "../../support/ufw.ts";
import { explainFault, flows, shown } from "./fault.ts";
import { bridgeRules, openScene, type Scene } from "./scene.ts";

/** Rules that a program wrote, read by iptables-save(8). The first line says which program, and with which containers. */
const captured = (name: string) => readFileSync(join(import.meta.dirname, "../rulesets", `${name}.iptables`), "utf8");

const dockerAllowing = () =>
  captured("docker").replace(
    "-A DOCKER-USER -j RETURN",
    "-A DOCKER-USER -i lab0 -j ACCEPT\n-A DOCKER-USER -o lab0 -j ACCEPT\n-A DOCKER-USER -j RETURN",
  );

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
    ["docker", () => captured("docker"), true],
    ["docker, with accepts in DOCKER-USER", dockerAllowing, false],
    ["podman with netavark", () => captured("netavark"), false],
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

  for (const bridged of [0, 1] as const) {
    it(`ufw, br_netfilter ${bridged === 0 ? "off" : "on"}`, function () {
      needs(this, "ufw");
      const host = scene.netns("host");
      bridgeRules(host, bridged);
      const ufw = freshUfw(host);
      try {
        ufw.ask("--force", "enable");
        assert.ok(compare() > 0, "ufw routes nothing");
        for (const link of ["lab0", "lab1"]) ufw.ask("route", "allow", "in", "on", link);
        assert.equal(compare(), 0);
      } finally {
        ufw[Symbol.dispose]();
        bridgeRules(host, 0);
        scene.shell("nft delete table ip filter; nft delete table ip6 filter");
      }
    });

    it(`the reference's firewall plugin, br_netfilter ${bridged === 0 ? "off" : "on"}`, function () {
      needs(this, "reference plugins");
      const host = scene.netns("host");
      bridgeRules(host, bridged);
      scene.shell("iptables -P FORWARD DROP");
      try {
        for (const letter of ["A", "B"]) firewallFor(scene, letter);
        assert.ok(compare() > 0, "C has no rules");
        firewallFor(scene, "C");
        assert.equal(compare(), 0);
      } finally {
        bridgeRules(host, 0);
        scene.shell("nft delete table ip filter");
      }
    });
  }

  it("firewalld", async function () {
    needs(this, "firewalld", "dbus-daemon");
    await using firewalld = await startFirewalld(scene.netns("host"));
    assert.ok(compare() > 0, "firewalld's default zone forwards nothing");
    firewalld.ask("--zone=trusted", "--add-interface=lab0");
    firewalld.ask("--zone=trusted", "--add-interface=lab1");
    assert.equal(compare(questions.filter(({ to }) => to !== "192.0.2.2")), 0);
  });
});

/** Calls the plugin as a runtime does, after the one that made the interface. */
function firewallFor({ variables, netns }: Scene, letter: string): void {
  const prevResult = {
    ...{ cniVersion: "1.0.0", interfaces: [{ name: "eth0", sandbox: `/run/netns/${variables[letter]}` }] },
    ips: [{ interface: 0, address: `${variables[`${letter}4`]}/24` }],
  };
  const configuration = { cniVersion: "1.0.0", name: "lab", type: "firewall", backend: "iptables", prevResult };
  const call = `CNI_COMMAND=ADD CNI_CONTAINERID=${letter} CNI_NETNS=/run/netns/${variables[letter]} CNI_IFNAME=eth0`;
  const command = ["env", ...call.split(" "), `CNI_PATH=${referencePlugins}`, join(referencePlugins, "firewall")];
  run(netns("host").inside(command), JSON.stringify(configuration));
}
