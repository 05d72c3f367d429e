/** `explain` in labs: between pods, and why a test of the lab's file failed. */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { needsLabs, type Person, person, users } from "./person.ts";

const file = `
networks:
  front: 10.1.0.0/24
  back: { subnets: [10.2.0.0/24, "fd02::/64"] }
pods:
  web: { networks: front, serve: http:80 }
  api: { networks: [front, back] }
  db: { networks: back, serve: tcp:5432 }
tests:
  - api -> web:80
  - web -> db:5432
  - api -> db:5433
`;

for (const user of users) {
  describe(`Explained in a lab, as ${user}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, user);
      who = person(user);
      up = who.up(who.file("explained.yaml", file));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    it("lab test says where the packets of a failed test end", () => {
      const { code, out } = who.lab("test");
      assert.equal(code, 1);
      assert.match(out, /2 passed, 1 failed\n\nns-net explain api 10\.2\.0\.\d+:5433\/tcp --lab explained\n/);
      assert.match(out, /blocked: no program listens on tcp port 5433 \(not-listening, namespace db\)\n$/);
    });

    it("asked without --lab, names the lab that has the pod; of a name of DNS it wants the address", () => {
      const said = (...words: string[]) => who.nsNet("explain", ...words).err;
      assert.match(said("web", "db:5432"), /; the lab explained has web: add --lab explained\n$/);
      assert.match(said("host", "db:5432"), /; the lab explained has db: add --lab explained\n$/);
      if (user === "root") {
        for (const name of ["example.com", "localhost"])
          assert.match(said("host", name), /; names of DNS are not looked up: give an address\n$/);
        assert.match(said("host", "zzz"), /; see what is there with: ns-net ns ls\n$/);
      } else assert.match(said("host", "zzz"), /explain needs root/);
      assert.match(who.nsNet("explain", "web", "example.com", "--lab", "explained").err, /: give an address\n$/);
    });

    it("--live sends a probe, and says what an ordinary user cannot see", function () {
      if (user === "root") needs(this, "tracefs");
      const ask = (to: string) => {
        const { code, out } = who.nsNet("explain", "web", to, "--lab", "explained", "--live", "--json");
        return { code, ...JSON.parse(out) };
      };
      const isSeen = (hops: { says: string }[]) => hops.some(({ says }) => says.startsWith("sent by eth0"));
      const isSaid = (hops: { says: string }[]) => hops.some(({ says }) => /not seen: tracefs is for root/.test(says));
      const reached = ask("api");
      assert.deepEqual([reached.code, reached.verdict], [0, "reachable"]);
      const drop =
        "add table inet f; add chain inet f c { type filter hook input priority 0; }; add rule inet f c quota over 0 bytes drop";
      assert.equal(who.inside("api", "nft", drop).code, 0);
      const dropped = ask("api");
      assert.equal(who.inside("api", "nft", "delete table inet f").code, 0);
      assert.deepEqual([dropped.verdict, dropped.cause.code], ["blocked", "dropped-inside"]);
      assert.match(dropped.cause.what, /^table inet f, chain c, handle \d+:/);
      for (const { hops } of [reached, dropped])
        assert.deepEqual([isSeen(hops), isSaid(hops)], user === "root" ? [true, false] : [false, true]);
    });

    it("trace shows the packets of a ping, and says what an ordinary user cannot see", async function () {
      if (user === "root") needs(this, "tracefs");
      const words = who.line("trace", "web", "api", "--lab", "explained", "--count", "2", "--json");
      const child = Bun.spawn(words, { cwd: who.folder, env: who.environment, stdout: "pipe", stderr: "pipe" });
      let said = "";
      for await (const chunk of child.stderr) {
        said += new TextDecoder().decode(chunk);
        if (said.includes("Ctrl-C ends it\n") && (user === "root" || said.includes("not seen"))) break;
      }
      assert.equal(/drop reasons are not seen: tracefs is for root/.test(said), user !== "root", said);
      const [address] = who.json("inspect").pods.find(({ name }: { name: string }) => name === "api")
        .interfaces[0].addresses;
      assert.equal(who.inside("web", "ping", "-c1", "-W2", address.split("/")[0]).code, 0);
      const lines = (await new Response(child.stdout).text()).trim().split("\n");
      assert.equal(await child.exited, 0);
      const kinds = lines
        .map((line) => JSON.parse(line))
        .map(({ kind, path }) => [kind, path.length, path.at(-1).delivered]);
      assert.deepEqual(kinds, [
        ["echo request 1", 3, true],
        ["echo reply 1", 3, true],
      ]);
    });

    it("lab test says what a person broke", () => {
      assert.equal(who.lab("exec", "web", "--", "ip", "route", "del", "default").code, 0);
      const { out } = who.lab("test");
      assert.equal(who.lab("exec", "web", "--", "ip", "route", "add", "default", "via", "10.1.0.1").code, 0);
      assert.match(out, /blocked: there is no route to 10\.2\.0\.\d+ from 10\.1\.0\.\d+ \(no-route, namespace web\)/);
    });
  });
}

const across = (way: string) => `
across: ${way}
hosts: { one: 192.168.9.1, two: 192.168.9.2, three: 192.168.9.3 }
networks:
  pods: { subnets: [10.1.0.0/16, "fd01::/64"] }
pods:
  a: { networks: pods, host: one }
  b: { networks: pods, host: two, serve: http:80 }
  c: { networks: pods, host: three, serve: http:80, publish: ["8080:80"] }
tests:
  - a -> http://b/
  - c -> http://b/
  - outside -> http://one/
`;

/** A fault on a path from the pod a on the host one to b on the host two. */
interface Fault {
  readonly name: string;
  /** Where the commands run, and what they are. */
  readonly plant: readonly [place: string, command: string];
  readonly undo: readonly [place: string, command: string];
  readonly code: string;
  readonly where: string;
  readonly ofVxlan?: true;
}

const faults: readonly Fault[] = [
  {
    name: "the other host drops the tunnel",
    plant: [
      "two",
      "nft add table inet f; nft 'add chain inet f c { type filter hook input priority 0; }'; nft add rule inet f c udp dport 4789 drop",
    ],
    ...{ undo: ["two", "nft delete table inet f"], code: "dropped-by-rule", where: "namespace two", ofVxlan: true },
  },
  {
    name: "the other host has no VXLAN device",
    ...{ plant: ["two", "ip link set vxlan0 down"], undo: ["two", "ip link set vxlan0 up"] },
    ...{ code: "interface-down", where: "namespace two", ofVxlan: true },
  },
  {
    name: "the other host does not forward",
    ...{ plant: ["two", "sysctl -qw net.ipv4.ip_forward=0"], undo: ["two", "sysctl -qw net.ipv4.ip_forward=1"] },
    ...{ code: "forwarding-off", where: "namespace two" },
  },
  {
    name: "the other host's rule drops what it forwards",
    plant: [
      "two",
      "nft add table inet f; nft 'add chain inet f c { type filter hook forward priority 0; }'; nft add rule inet f c tcp dport 80 drop",
    ],
    ...{ undo: ["two", "nft delete table inet f"], code: "dropped-by-rule", where: "namespace two" },
  },
  {
    name: "the pod has no way back",
    ...{ plant: ["b", "ip route delete default"], undo: ["b", "ip route add default via 10.1.64.1"] },
    ...{ code: "no-return-route", where: "namespace b" },
  },
];

const onOneLine = (text: string) => text.replaceAll(/\s+/g, " ");

for (const way of ["vxlan", "routes"]) {
  describe(`Explained between hosts of a lab, by ${way}`, function () {
    this.timeout(60_000);
    let who: Person;
    let up: Disposable;
    before(function () {
      needsLabs(this, "root");
      who = person("root");
      up = who.up(who.file(`${way}.yaml`, across(way)));
    });
    after(() => {
      up?.[Symbol.dispose]();
      who?.[Symbol.dispose]();
    });

    const explain = (from: string, to: string, host: string) => {
      const { out, err } = who.nsNet("explain", from, to, "--json", "--lab", `${way}/${host}`);
      assert.notEqual(out, "", err);
      return JSON.parse(out);
    };
    const shell = ([place, command]: readonly [string, string]) => {
      const { code, err } = who.inside(place, "sh", "-ec", command);
      assert.equal(code, 0, err);
    };
    const flows = (from: string, address: string, port = 80) =>
      who.inside(from, "timeout", "0.5", "bash", "-c", `exec 3<>"/dev/tcp/${address}/${port}"`).code === 0;
    const addressOf = (pod: string) => {
      const { interfaces } = who.json("inspect").pods.find(({ name }: { name: string }) => name === pod);
      return interfaces[0].addresses[0].split("/")[0] as string;
    };

    it("follows the packet to the other host and back", () => {
      for (const [from, host, to] of [
        ["a", "one", "b"],
        ["c", "three", "b"],
        ["b", "two", "c"],
      ] as const) {
        const found = explain(from, `${to}:80`, host);
        assert.ok(flows(from, addressOf(to)));
        assert.equal(found.verdict, "reachable", JSON.stringify(found.cause));
        const tunnels = found.hops.filter(({ what }: { what: string }) => what === "vxlan");
        assert.equal(tunnels.length, way === "vxlan" ? 4 : 0);
      }
    });

    for (const { name, plant, undo, code, where } of faults.filter(({ ofVxlan }) => way === "vxlan" || !ofVxlan))
      it(`${name}: ${code}, and lab test says so`, () => {
        shell(plant);
        try {
          assert.equal(flows("a", addressOf("b")), false);
          const { verdict, cause } = explain("a", "b:80", "one");
          assert.deepEqual([verdict, cause.code, cause.where], ["blocked", code, where], cause.what);
          const { out } = who.lab("test");
          assert.match(onOneLine(out), RegExp(`ns-net explain a \\S+ --lab ${way}/one .*\\(${code}, ${where}\\)`));
        } finally {
          shell(undo);
        }
      });

    it("a failed test from outside is explained, too", () => {
      const { out } = who.lab("test");
      assert.match(out, RegExp(`ns-net explain outside 192\\.168\\.9\\.1:80/tcp --lab ${way}/one\\n[^]*blocked: `));
    });
  });
}

/** The host is no gateway of the network plant, and the pods lack the routes by r1 that the file should give. */
const routed = `
networks:
  office: 10.20.0.0/24
  plant: { subnets: [10.30.0.0/24], gateway: false }
routers:
  r1: { networks: [office, plant] }
pods:
  desk: { networks: office }
  printer: { networks: plant, serve: http:80 }
tests:
  - desk -> http://printer/
`;

describe("A network without a gateway on the host, explained in a lab", function () {
  this.timeout(60_000);
  it("is not reached by the host, and its masquerade is not the cause of a missing route back", function () {
    needsLabs(this, "root");
    using who = person("root");
    using _up = who.up(who.file("routed.yaml", routed));
    const routerIn = (network: string) =>
      who
        .json("inspect")
        .pods.find(({ name }: { name: string }) => name === "r1")
        .interfaces.find((one: { network: string }) => one.network === network)
        .addresses[0].split("/")[0];
    const ask = () => {
      const { out } = who.nsNet("explain", "desk", "printer:80", "--lab", "routed", "--json");
      const { code, what, cure } = JSON.parse(out).cause;
      return { code, what, cure };
    };
    const first = ask();
    assert.deepEqual([first.code, first.cure], ["no-host-route", ""]);
    assert.match(first.what, /the host has no address on plant, so it is no gateway of that network$/);
    const { address } = JSON.parse(
      who.inside("printer", "ip", "-4", "-j", "address", "show", "eth0").out,
    )[0].addr_info.map(({ local }: { local: string }) => ({ address: local }))[0];
    assert.equal(who.inside("host", "ip", "route", "add", address, "dev", "plant").code, 0);
    const second = ask();
    assert.equal(second.code, "no-return-route", JSON.stringify(second));
    // The way through r1 is bridged on the host, so no masquerade is missed there.
    assert.equal(who.inside("host", "ip", "route", "del", address).code, 0);
    assert.equal(who.inside("desk", "ip", "route", "add", "10.30.0.0/24", "via", routerIn("office")).code, 0);
    assert.equal(who.inside("host", "nft", "flush", "ruleset").code, 0);
    const third = ask();
    assert.equal(third.code, "no-return-route", JSON.stringify(third));
  });
});
