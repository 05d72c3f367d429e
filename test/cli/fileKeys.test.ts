/**
 * Keys and types in a file of a person: which are allowed, and which are recognized as typing mistakes. Witnesses:
 * traffic, `tc`, `ip`.
 */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { nsNet } from "../support/plugin.ts";
import { cable, freshNetns, run } from "../support/sandbox.ts";
import { tcpReach, tcpServer } from "../support/tcp.ts";
import { freshWorld, ourLinks } from "../support/world.ts";
import { freshPlace, lab, namedNetns } from "./place.ts";

const mapping = { hostPort: 8080, containerPort: 80, protocol: "tcp" };

describe("At the top of a file", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  it("portMappings publish ports, and del removes them", async () => {
    using place = freshPlace();
    using outside = freshNetns("outside");
    cable(
      { ns: place.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
      { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
    );
    const name = place.name();
    place.must("add", name, "--network", place.file("a.json", JSON.stringify({ ...lab, portMappings: [mapping] })));
    using _server = await tcpServer(namedNetns(name), "0.0.0.0", 80);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { seenAs: "192.0.2.1" });
    place.must("del", name);
    assert.deepEqual(await tcpReach(outside, "192.0.2.2", 8080), { failed: "ECONNREFUSED" });
  });

  it("bandwidth limits, in YAML and in any case of the key", function () {
    needs(this, "tbf");
    using place = freshPlace();
    const name = place.name();
    const file = `${JSON.stringify(lab).slice(0, -1)}, "BandWidth": {"ingressRate": 8000000, "ingressBurst": 800000}}`;
    place.must("add", name, "--network", place.file("a.yaml", file));
    const [host] = ourLinks(place.host);
    assert.match(place.host.run("tc", "qdisc", "show", "dev", host!), /tbf.*rate 8Mbit/);
  });

  for (const [what, change, code] of [
    ["of another type", { type: "bridge", portMappings: [mapping] }, /portMappings = .*"bridge" does not serve it/],
    ["twice", { portMappings: [mapping], runtimeConfig: { portMappings: [] } }, /portMappings must be written once/],
    ["that are no list", { portMappings: "8080" }, /runtimeConfig\.portMappings = "8080"/],
  ] as const) {
    it(`portMappings ${what} are refused`, () => {
      using place = freshPlace();
      const file = place.file("a.json", JSON.stringify({ ...lab, ...change }));
      const { code: status, err } = place.cli("add", place.name(), "--network", file);
      assert.equal(status, 1);
      assert.match(err, code);
      assert.deepEqual(ourLinks(place.host), []);
    });
  }

  for (const [change, said] of [
    [{ portMapings: [mapping] }, /Cannot use portMapings = .*\n {2}did you mean portMappings\?/],
    [{ runtimeConfig: { portMapings: [mapping] } }, /runtimeConfig\.portMapings = .*\n {2}did you mean portMappings\?/],
    [
      { runtimeConfig: { portMappings: [{ ...mapping, protocl: "udp", protocol: undefined }] } },
      /runtimeConfig\.portMappings\[0\]\.protocl = "udp"\n {2}did you mean protocol\?/,
    ],
    [{ runtimeConfig: { bandwith: {} } }, /runtimeConfig\.bandwith = .*\n {2}did you mean bandwidth\?/],
    [{ bandwith: {} }, /bandwith = .*\n {2}did you mean bandwidth\?/],
    [{ sysctls: { "net.core.somaxconn": "5" } }, /sysctls = .*\n {2}did you mean sysctl\?/],
    [{ ingresPolicy: "isolated" }, /ingresPolicy = .*\n {2}did you mean ingressPolicy\?/],
    [{ isGatway: true }, /isGatway = true\n {2}did you mean isGateway\?/],
  ] as const) {
    it(`${Object.keys(change)[0]} … is refused: ${said.source.slice(-24)}`, () => {
      using place = freshPlace();
      const file = place.file("a.json", JSON.stringify({ ...lab, ...change }));
      const { code, err } = place.cli("add", place.name(), "--network", file);
      assert.equal(code, 1);
      assert.match(err, said);
      assert.deepEqual(ourLinks(place.host), []);
    });
  }
});

describe("A type that is no plugin of ns-net's", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  for (const [type, said] of [
    ["brigde", /Cannot use type = "brigde"\n {2}did you mean bridge\?/],
    ["ns_net", /Cannot use type = "ns_net"\n {2}did you mean ns-net\?/],
    ["calico", /Cannot use type = "calico"\n {2}type must be one of ns-net, bridge, /],
    [undefined, /The key type is missing\n {2}type must be one of ns-net, bridge, /],
    ["", /Cannot use type = ""\n {2}type must be one of ns-net, bridge, /],
  ] as const) {
    it(`${type ?? "none at all"} is refused by hand and as a plugin`, () => {
      using place = freshPlace();
      const file = place.file("a.json", JSON.stringify({ ...lab, type }));
      const { code, err } = place.cli("add", place.name(), "--network", file);
      assert.equal(code, 1);
      assert.match(err, said);
      using world = freshWorld();
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { json } = world.call("ADD", world.network({ type }), { netns });
      assert.equal(json.code, 7);
      assert.match(`${json.msg}\n  ${json.details}`, said);
      assert.deepEqual(world.snapshot(netns), before);
      world.must("DEL", world.network({ type }), { netns });
    });
  }

  it("in a list is refused with the nearest name", () => {
    using place = freshPlace();
    const list = { cniVersion: "1.0.0", name: "l", plugins: [{ ...lab, type: "brigde" }, { type: "portmap" }] };
    const { code, err } = place.cli("add", place.name(), "--network", place.file("l.json", JSON.stringify(list)));
    assert.equal(code, 1);
    assert.match(err, /its list has no interface plugin.*\n {2}Did you mean bridge\?/);
  });

  it("is no mistake if the executable was installed under that name", () => {
    using world = freshWorld();
    const plugin = join(world.dataDir, "..", "podnet-plugin");
    symlinkSync(nsNet, plugin);
    const netns = world.netns();
    world.must("ADD", world.network({ type: "podnet-plugin" }), { netns, plugin });
    assert.match(run(netns.inside(["ip", "address", "show", "eth0"])), /10\.7\.0\.2/);
  });
});
