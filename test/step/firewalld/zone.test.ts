/** firewall on a host with firewalld. Witnesses: traffic, `firewall-cmd`, `dbus-send`. */
import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { type Firewalld, startFirewalld } from "../../support/firewalld.ts";
import { needs } from "../../support/needs.ts";
import { nsNet } from "../../support/plugin.ts";
import { cable, type Netns } from "../../support/sandbox.ts";
import { tcpReach, tcpServer } from "../../support/tcp.ts";
import { dualStack, freshWorld, type World } from "../../support/world.ts";

interface Scene {
  readonly world: World;
  readonly firewalld: Firewalld;
  readonly outside: Netns;
  readonly netns: Netns;
  readonly environment: Firewalld["environment"];
  readonly plugin: string;
}

describe("firewall, on a host with firewalld", function () {
  this.timeout(60_000);
  let scene: Scene;
  let config: object;
  // biome-ignore lint/suspicious/noExplicitAny: a result whose addresses the tests read.
  let prevResult: any;
  /** The addresses in firewalld, IPv4 first. */
  let [ipv4, ipv6] = ["", ""];

  before(async function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat", "nft fib", "dbus-daemon", "dbus-send", "firewalld");
    const world = freshWorld();
    const [outside, netns] = [world.netns("outside"), world.netns()];
    cable(
      { ns: world.host, ifname: "up0", cidrs: ["192.0.2.2/24"] },
      { ns: outside, ifname: "up0", cidrs: ["192.0.2.1/24"] },
    );
    outside.ip("route", "add", "10.7.0.0/24", "via", "192.0.2.2");
    const plugin = join(world.dataDir, "../firewall");
    symlinkSync(nsNet, plugin);
    const firewalld = await startFirewalld(world.host);
    scene = { world, firewalld, outside, netns, environment: firewalld.environment, plugin };
  });

  after(async () => {
    await scene?.firewalld[Symbol.asyncDispose]();
    scene?.world[Symbol.dispose]();
  });

  beforeEach(() => {
    const { world, netns } = scene;
    const link = world.network({ ipam: dualStack });
    prevResult = world.must("ADD", link, { netns });
    config = { ...link, type: "firewall" };
    const addresses = prevResult.ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
    [ipv4, ipv6] = [`${addresses[0]}/32`, `${addresses[1]}/128`];
  });

  afterEach(() => {
    const { world, netns, plugin, environment, firewalld } = scene;
    world.must("DEL", config, { netns, plugin, environment });
    world.must("DEL", world.network({ ipam: dualStack }), { netns });
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
  });

  const call = (command: "ADD" | "CHECK" | "DEL", change: object = {}) => {
    const { world, netns, plugin, environment } = scene;
    return world.call(command, { ...config, prevResult, ...change }, { netns, plugin, environment });
  };

  it("puts the container's addresses into the zone trusted by default, and removes them", async () => {
    const { outside, netns, firewalld, world } = scene;
    using server = await tcpServer(outside);
    using inner = await tcpServer(netns);
    assert.ok("failed" in (await tcpReach(netns, "192.0.2.1", server.port, { limitMs: 500 })));
    assert.deepEqual(call("ADD").json, prevResult);
    assert.deepEqual(await tcpReach(netns, "192.0.2.1", server.port), { seenAs: ipv4.slice(0, -3) });
    assert.ok("failed" in (await tcpReach(outside, ipv4.slice(0, -3), inner.port, { limitMs: 500 })));
    assert.deepEqual(firewalld.sourcesOf("trusted"), [ipv4, ipv6]);
    assert.doesNotMatch(world.host.nft("list", "ruleset"), /CNI-FORWARD/);
    assert.equal(call("CHECK").code, 0);
    assert.equal(call("DEL", { prevResult: undefined }).code, 0);
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
    assert.ok("failed" in (await tcpReach(netns, "192.0.2.1", server.port, { limitMs: 500 })));
  });

  it("CHECK reports what a reload of firewalld dropped, and a second ADD succeeds", () => {
    const { firewalld } = scene;
    assert.equal(call("ADD").code, 0);
    firewalld.ask("--reload");
    const { code, json } = call("CHECK");
    assert.equal(code, 1);
    assert.match(json.msg, new RegExp(`${ipv4} in firewalld's zone trusted is missing`));
    assert.equal(call("ADD").code, 0);
    assert.equal(call("ADD").code, 0);
    assert.equal(call("CHECK").code, 0);
  });

  it("uses the configured zone, and refuses what firewalld refuses", () => {
    const { firewalld } = scene;
    assert.equal(call("ADD", { firewalldZone: "internal" }).code, 0);
    assert.deepEqual(firewalld.sourcesOf("internal"), [ipv4, ipv6]);
    assert.equal(call("ADD", { firewalldZone: "public" }).code, 0, "another zone, after the first is taken back");
    assert.deepEqual(firewalld.sourcesOf("internal"), []);
    assert.equal(call("DEL").code, 0);
    for (const address of [ipv4, ipv6]) firewalld.ask("--zone=internal", `--add-source=${address}`);
    const conflict = call("ADD", { firewalldZone: "trusted" });
    assert.deepEqual([conflict.code, conflict.json.code], [1, 7]);
    assert.match(conflict.json.msg, new RegExp(`${ipv4} in zone trusted: ZONE_CONFLICT`));
    assert.match(conflict.json.details, /firewall-cmd --get-zone-of-source/);
    firewalld.ask("--zone=internal", `--remove-source=${ipv4}`);
    firewalld.ask("--zone=internal", `--remove-source=${ipv6}`);
    const unknown = call("ADD", { firewalldZone: "nowhere" });
    assert.match(unknown.json.details, /firewall-cmd --get-zones/);
  });

  it("removes the first of two addresses if the second is refused", () => {
    const { firewalld } = scene;
    firewalld.ask("--zone=public", `--add-source=${ipv6}`);
    assert.equal(call("ADD").code, 1);
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
    firewalld.ask("--zone=public", `--remove-source=${ipv6}`);
  });

  it("does not call firewalld with backend iptables", () => {
    const { firewalld, world } = scene;
    assert.equal(call("ADD", { backend: "iptables" }).code, 0);
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
    assert.match(world.host.nft("list", "ruleset"), /CNI-FORWARD/);
    assert.equal(call("DEL").code, 0);
    world.host.nft("delete table ip filter");
    world.host.nft("delete table ip6 filter");
  });

  it("DEL finds the addresses in prevResult if the store is lost, except those that another container has by now", () => {
    const { firewalld, world, netns, plugin } = scene;
    assert.equal(call("ADD").code, 0);
    const elsewhere = { ...config, prevResult, dataDir: join(world.dataDir, "lost") };
    world.must("DEL", elsewhere, { netns, plugin, environment: scene.environment, container: "another" });
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
    assert.equal(call("ADD").code, 0);
    world.must(
      "DEL",
      { ...config, prevResult },
      { netns, plugin, environment: scene.environment, container: "another" },
    );
    assert.deepEqual(firewalld.sourcesOf("trusted"), [ipv4, ipv6]);
  });

  it("type ns-net does it in one call if a zone is named, and else reports what blocks", () => {
    const { firewalld, world, environment } = scene;
    const netns = world.netns();
    const link = world.network({ name: "other", bridge: "br1", ipam: { type: "ns-net", subnet: "10.8.0.0/24" } });
    const options = { netns, environment, container: "c2" };
    const silent = world.call("ADD", link, options);
    assert.match(
      silent.stderr,
      /firewalld rejects what this host forwards.*firewall-cmd --zone=trusted --add-interface=br1/,
    );
    world.must("DEL", link, options);
    const asked = { ...link, backend: "firewalld" };
    const result = world.must("ADD", asked, options);
    assert.deepEqual(firewalld.sourcesOf("trusted"), [result.ips[0].address.replace("/24", "/32")]);
    world.must("CHECK", { ...asked, prevResult: result }, options);
    world.must("DEL", link, options);
    assert.deepEqual(firewalld.sourcesOf("trusted"), []);
  });
});
