/** Several hosts, across VXLAN and by routes. The witnesses are ip, bridge, nft and ping, and traffic by the lab's own tests. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { needsLabs, type Person, person } from "./person.ts";

const topology = readFileSync(join(import.meta.dirname, "severalHosts.yaml"), "utf8");

for (const across of ["vxlan", "routes"] as const) {
  describe(`Several hosts, across ${across}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, "root");
      who = person("root");
      up = who.up(who.file("many.yaml", `across: ${across}\n${topology}`));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });
    const text = (at: string, ...words: string[]) => who.inside(at, ...words).out.trim();
    const pings = (from: string, ...words: string[]) => who.inside(from, "ping", "-c1", "-W2", ...words).code === 0;

    it("reach each other as networks, isolation and published ports allow", () => {
      const { failed, tests } = who.json("test");
      assert.equal(failed, 0, JSON.stringify(tests, null, 1));
      const ping = who.lab("ping");
      assert.equal(ping.code, 0, ping.out);
      assert.equal(who.lab("check", "many.yaml").code, 0);
    });

    it("are namespaces of their own, each the gateway of its part of a network", () => {
      const { hosts, pods } = who.json("inspect");
      assert.deepEqual(
        hosts.map(({ name }: { name: string }) => name),
        ["n1", "n2", "n3"],
      );
      assert.equal(pods.find(({ name }: { name: string }) => name === "side").host, "n2");
      assert.match(text("n2", "ip", "-br", "address", "show", "front"), /10\.1\.64\.1\/18 fd01::4000:0:0:1\/66/);
      assert.match(text("f2", "ip", "route"), /^default via 10\.1\.64\.1 dev eth0/);
      assert.equal(text("n2", "hostname"), "n2");
      assert.match(text("f1", "getent", "ahostsv4", "n3"), /^192\.168\.7\.13\s/);
    });

    it("send packets of pods to each other the way that the file says, and of the largest size", () => {
      const route = text("n1", "ip", "route", "get", "10.1.64.2");
      const counted = () => JSON.parse(text("n1", "ip", "-s", "-j", "link", "show", "eth0"))[0].stats64.tx.packets;
      const before = counted();
      if (across === "vxlan") {
        assert.match(route, /via 192\.168\.7\.12 dev vxlan0/);
        assert.match(text("n1", "bridge", "fdb", "show", "dev", "vxlan0"), /dst 192\.168\.7\.12 self permanent/);
        assert.match(
          text("n1", "ip", "-d", "link", "show", "vxlan0"),
          /mtu 1350 .*vxlan id 1 .* dstport 4789 nolearning/s,
        );
        assert.ok(pings("f1", "-M", "do", "-s", String(1350 - 28), "10.1.64.2"));
        assert.ok(!pings("f1", "-M", "do", "-s", String(1351 - 28), "10.1.64.2"));
      } else {
        assert.match(route, /via 192\.168\.7\.12 dev eth0/);
        assert.equal(text("n1", "ip", "link", "show", "type", "vxlan"), "");
        assert.ok(pings("f1", "-M", "do", "-s", String(1400 - 28), "10.1.64.2"));
        assert.ok(!pings("f1", "-M", "do", "-s", String(1401 - 28), "10.1.64.2"));
      }
      assert.ok(counted() > before);
      assert.ok(pings("f1", "-6", "fd01::4000:0:0:2"));
    });

    it("are impaired on the underlay", () => {
      const impair = (...words: string[]) => assert.equal(who.lab("impair", ...words).code, 0);
      impair("n2", "--down");
      assert.ok(!pings("f1", "-W1", "10.1.64.2"));
      assert.equal(who.lab("ping").code, 0, "it knows");
      assert.equal(who.lab("check", "many.yaml").code, 0);
      impair("n2", "--up");
      // A host that looked for its neighbour in vain may go on to do so for a second.
      assert.ok(pings("f1", "-c4", "-i0.5", "10.1.64.2"));
      impair("n2", "--rate", "5mbit", "--direction", "out");
      assert.match(text("n2", "tc", "qdisc", "show", "dev", "eth0"), /rate 5Mbit/);
      impair("n2", "--clear");
      assert.doesNotMatch(text("n2", "tc", "qdisc", "show", "dev", "eth0"), /rate/);
    });

    it("are compared with the kernel: a route that is gone is found", () => {
      const route = text("n1", "ip", "route", "show", "10.1.64.0/18");
      assert.equal(who.inside("n1", "ip", "route", "delete", "10.1.64.0/18").code, 0);
      const check = who.lab("check", "many.yaml");
      assert.equal(check.code, 1);
      assert.match(check.out + check.err, /n1: route 10\.1\.64\.0\/18: expected .* found none/);
      assert.equal(who.inside("n1", "sh", "-c", `ip route add ${route}`).code, 0);
      assert.equal(who.lab("check", "many.yaml").code, 0);
    });

    it("are looked at one by one", () => {
      const all = who.nsNet("ls", "--lab", "many/n2");
      assert.match(all.out, /f2 +front/);
      assert.doesNotMatch(all.out, /f1/);
      assert.match(who.nsNet("ls", "--lab", "many").err, /many has several hosts\n.*many\/n1, many\/n2, many\/n3/);
      assert.match(who.nsNet("ls", "--lab", "many/n9").err, /many has no host n9/);
    });

    it("die alone, check says so, and apply starts them again with their pods", () => {
      const { pid } = who.json("inspect").hosts[2];
      process.kill(pid, "SIGKILL");
      const check = who.lab("check", "many.yaml");
      assert.match(check.out + check.err, /n3 is dead/);
      assert.match(who.lab("exec", "n3", "--", "true").err, /n3 is dead.*\n.*ns-net lab apply/);
      assert.doesNotMatch(who.lab("inspect").out, /--target 0/);
      const { changes } = who.json("apply", "many.yaml");
      assert.deepEqual(
        changes.map(({ name, change }: { name: string; change: string }) => `${name} ${change}`),
        ["n3", "a3", "b3", "x", "y"].map((name) => `${name} restarted`),
      );
      assert.deepEqual(changes[0].why, ["it is dead"]);
      assert.equal(who.lab("check", "many.yaml").code, 0);
      assert.equal(who.json("test").failed, 0);
    });
  });
}

describe("Routers and hosts", function () {
  this.timeout(30_000);
  before(function () {
    needsLabs(this, "root");
  });

  it("forward IPv6 from the first packet on, over links and to addresses outside of their parts", () => {
    using who = person("root");
    who.file(
      "first.yaml",
      `hosts: { n1: 192.168.50.1, n2: 192.168.50.2 }
networks: { p: "fd50::/64", q: { subnets: ["fd51::/64"], gateway: false }, r: { subnets: ["fd52::/64"], gateway: false } }
pods:
  a: { networks: { p: "fd50::8000:0:0:99" }, host: n1 }
  b: { networks: { p: "fd50::20" }, host: n2 }
  c: { networks: { q: "fd51::9" }, routes: { default: "fd51::1" } }
  d: { networks: { r: "fd52::9" }, routes: { default: "fd52::1" } }
routers:
  x: { networks: { q: "fd51::1" }, routes: { default: "fd53::2" } }
  y: { networks: { r: "fd52::1" }, routes: { default: "fd53::1" } }
links: [["x fd53::1/64", "y fd53::2/64"]]
`,
    );
    using _ = who.up("first.yaml");
    for (const [from, to] of [
      ["a", "b"],
      ["c", "d"],
    ] as const) {
      const { code, out } = who.lab("exec", from, "--", "ping", "-c1", "-W1", to);
      assert.equal(code, 0, out);
    }
  });

  it("are reached by IPv6 where a lab has nothing else", () => {
    using who = person("root");
    who.file(
      "six.yaml",
      `networks: { p: "fd50::/64" }
pods: { a: { networks: p, serve: http:80, publish: ["8080:80"] } }
tests: ["outside -> http://host:8080/"]
`,
    );
    using _ = who.up("six.yaml");
    assert.equal(who.json("test").failed, 0);
  });
});
