/** ADD and DEL as a runtime calls them: the executable, CNI's environment, a configuration on stdin. Witness: `ip`. */
import assert from "node:assert/strict";
import { versions } from "../../conf/version.ts";
import { needs } from "../support/needs.ts";
import { links } from "../support/sandbox.ts";
import { dualStack, freshWorld, ourLinks, ranges } from "../support/world.ts";

/** The shape of a result: the keys, and for lists the keys of their first item. */
// biome-ignore lint/suspicious/noExplicitAny: any JSON
function shapeOf(value: any): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
}

describe("ADD", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6");
  });

  describe("answers in the requested version:", () => {
    const route = { dst: "string", gw: "string" };
    const half = { ip: "string", gateway: "string", routes: [route] };
    const link = { name: "string", mac: "string" };
    const ip = { address: "string", gateway: "string", interface: "number" };
    const modern = {
      cniVersion: "string",
      interfaces: [link, link, { ...link, sandbox: "string" }],
      ips: [ip, ip],
      routes: [route, route],
    };
    const versioned = {
      ...modern,
      ips: [
        { version: "string", ...ip },
        { version: "string", ...ip },
      ],
    };
    const withMtu = {
      ...modern,
      interfaces: [link, { ...link, mtu: "number" }, { ...link, mtu: "number", sandbox: "string" }],
    };
    const shapes: Record<(typeof versions)[number], object> = {
      "0.1.0": { cniVersion: "string", ip4: half, ip6: half },
      "0.2.0": { cniVersion: "string", ip4: half, ip6: half },
      "0.3.0": versioned,
      "0.3.1": versioned,
      "0.4.0": versioned,
      "1.0.0": modern,
      "1.1.0": withMtu,
    };
    for (const version of versions) {
      it(`${version}, and DEL of that version removes it`, () => {
        using world = freshWorld();
        const netns = world.netns();
        const config = world.network({ cniVersion: version, ipam: dualStack });
        const result = world.must("ADD", config, { netns });
        assert.equal(result.cniVersion, version);
        assert.deepEqual(shapeOf(result), shapes[version]);
        assert.equal(world.must("DEL", config, { netns }), undefined);
        assert.deepEqual([links(netns).has("eth0"), ourLinks(world.host), world.rows()], [false, [], []]);
      });
    }
  });

  it("creates what its result contains: links, addresses, gateway, routes", () => {
    using world = freshWorld();
    const netns = world.netns();
    const result = world.must("ADD", world.network({ ipam: dualStack }), { netns });
    const [bridge, outer, inner] = result.interfaces;
    const host = links(world.host);
    const pod = links(netns).get("eth0");
    assert.deepEqual(
      [bridge.mac, outer.mac, inner.mac],
      [host.get("br0").address, host.get(outer.name).address, pod.address],
    );
    assert.deepEqual([outer.mtu, inner.mtu, inner.sandbox], [host.get(outer.name).mtu, pod.mtu, netns.path]);
    assert.equal(host.get(outer.name).master, "br0");
    assert.equal(host.get(outer.name).operstate, "UP");
    const global = (link: { addr_info: { scope: string; local: string; prefixlen: number }[] }) =>
      link.addr_info.filter(({ scope }) => scope === "global").map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    assert.deepEqual(global(pod), ["10.7.0.2/24", "fd07::2/64"]);
    assert.deepEqual(global(host.get("br0")), ["10.7.0.1/24", "fd07::1/64"]);
    assert.deepEqual(
      result.ips.map((one: object) => ({ ...one })),
      [
        { address: "10.7.0.2/24", gateway: "10.7.0.1", interface: 2 },
        { address: "fd07::2/64", gateway: "fd07::1", interface: 2 },
      ],
    );
    const defaults = [["route"], ["-6", "route"]].map((words) => netns.ip(...words, "show", "default")[0]?.gateway);
    assert.deepEqual(defaults, ["10.7.0.1", "fd07::1"]);
    assert.equal(links(netns).get("lo").flags.includes("UP"), true);
    assert.deepEqual(
      ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"].map((key) => world.host.sysctl(key)),
      ["1", "1"],
    );
  });

  it("gives one address of each range set, several of a family too", () => {
    using world = freshWorld();
    const netns = world.netns();
    const ipam = ranges("10.7.0.0/24", "10.8.0.0/24", "fd07::/64");
    const result = world.must("ADD", world.network({ ipam }), { netns });
    assert.deepEqual(
      result.ips.map(({ address }: { address: string }) => address),
      ["10.7.0.2/24", "10.8.0.2/24", "fd07::2/64"],
    );
    const shown = links(netns)
      .get("eth0")
      .addr_info.map(({ local }: { local: string }) => local);
    for (const address of ["10.7.0.2", "10.8.0.2", "fd07::2"]) assert.ok(shown.includes(address), address);
  });

  it("uses the next range of a set when the first is full", () => {
    using world = freshWorld();
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/30" }, { subnet: "10.8.0.0/30" }]] };
    const addresses = ["c1", "c2"].map(
      (container) => world.must("ADD", world.network({ ipam }), { netns: world.netns(), container }).ips[0].address,
    );
    assert.deepEqual(addresses, ["10.7.0.2/30", "10.8.0.2/30"]);
  });

  describe("gives the requested address", () => {
    const ways: Record<string, { config?: object; args?: string }> = {
      "by CNI_ARGS": { args: "IP=10.7.0.77,fd07::77" },
      "by args.cni.ips": { config: { args: { cni: { ips: ["10.7.0.77", "fd07::77/64"] } } } },
      "by runtimeConfig.ips": { config: { runtimeConfig: { ips: ["10.7.0.77/24", "fd07::77"] } } },
    };
    for (const [way, { config, args }] of Object.entries(ways)) {
      it(way, () => {
        using world = freshWorld();
        const netns = world.netns();
        const { ips } = world.must("ADD", world.network({ ipam: dualStack, ...config }), {
          netns,
          ...(args !== undefined && { args }),
        });
        assert.deepEqual(
          ips.map(({ address }: { address: string }) => address),
          ["10.7.0.77/24", "fd07::77/64"],
        );
        assert.deepEqual(world.leases(), ["c1/eth0 10.7.0.77/24 fd07::77/64"]);
      });
    }

    it("but not to a second container: code 11, naming the holder", () => {
      using world = freshWorld();
      world.must("ADD", world.network(), { netns: world.netns(), args: "IP=10.7.0.77" });
      const netns = world.netns();
      const before = world.snapshot(netns);
      const { code, json } = world.call("ADD", world.network(), { netns, container: "c2", args: "IP=10.7.0.77" });
      assert.deepEqual([code, json.code], [1, 11]);
      assert.match(json.msg, /10\.7\.0\.77.*c1/);
      assert.deepEqual(world.snapshot(netns), before);
    });
  });

  describe("gives the requested hardware address", () => {
    const mac = "c2:11:22:33:44:55";
    const ways: Record<string, { config?: object; args?: string }> = {
      "by CNI_ARGS": { args: `MAC=${mac}` },
      "by args.cni.mac": { config: { args: { cni: { mac } } }, args: "MAC=c2:00:00:00:00:01" },
      "by runtimeConfig.mac": { config: { runtimeConfig: { mac }, args: { cni: { mac: "c2:00:00:00:00:01" } } } },
    };
    for (const [way, { config, args }] of Object.entries(ways)) {
      it(way, () => {
        using world = freshWorld();
        const netns = world.netns();
        const result = world.must("ADD", world.network(config), { netns, ...(args !== undefined && { args }) });
        assert.deepEqual([result.interfaces[2].mac, links(netns).get("eth0").address], [mac, mac]);
      });
    }

    it("and without a request, the same one as the last container with its address", () => {
      using world = freshWorld();
      const macs = ["c1", "c2"].map((container) => {
        const netns = world.netns();
        const result = world.must("ADD", world.network(), { netns, container, args: "IP=10.7.0.9" });
        world.must("DEL", world.network(), { netns, container });
        return result.interfaces[2].mac;
      });
      assert.equal(macs[0], macs[1]);
    });
  });

  it("reports dns as configured", () => {
    using world = freshWorld();
    const dns = { nameservers: ["10.7.0.1"], search: ["cluster.local"] };
    assert.deepEqual(world.must("ADD", world.network({ dns }), { netns: world.netns() }).dns, dns);
  });

  it("reports the keys of dns in runtimeConfig before the configured ones", () => {
    using world = freshWorld();
    const dns = { nameservers: ["10.7.0.1"], domain: "a.test", search: ["cluster.local"] };
    const asked = { servers: ["192.0.2.53"], searches: [], options: ["ndots:5"] };
    const add = (change: object, container: string) =>
      world.must("ADD", world.network({ runtimeConfig: { dns: asked }, ...change }), {
        netns: world.netns(),
        container,
      }).dns;
    assert.deepEqual(add({ dns }, "c1"), { ...dns, nameservers: ["192.0.2.53"], options: ["ndots:5"] });
    assert.deepEqual(add({ type: "bridge" }, "c2"), { nameservers: ["192.0.2.53"], options: ["ndots:5"] });
    assert.equal(add({ runtimeConfig: { dns: {} } }, "c3"), undefined);
  });

  it("refuses an interface name that the container has already, and leaves that interface", () => {
    using world = freshWorld();
    const netns = world.netns();
    netns.ip("link", "add", "eth0", "type", "bridge");
    const before = world.snapshot(netns);
    const { code, json } = world.call("ADD", world.network(), { netns });
    assert.deepEqual([code, json.code], [1, 4]);
    assert.deepEqual(world.snapshot(netns), before);
  });

  it("twice without DEL is refused, and the first attachment stays", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns });
    const before = world.snapshot(netns);
    assert.equal(world.call("ADD", world.network(), { netns }).code, 1);
    assert.deepEqual(world.snapshot(netns), before);
  });

  it("of the same container in another namespace is refused while the first is attached, and its lease stays", () => {
    using world = freshWorld();
    const [first, second] = [world.netns(), world.netns()];
    world.must("ADD", world.network(), { netns: first });
    const before = world.snapshot(first, second);
    assert.equal(world.call("ADD", world.network(), { netns: second }).code, 1);
    assert.deepEqual(world.snapshot(first, second), before);
  });

  it("of the same container succeeds if the first namespace ended without a DEL", () => {
    using world = freshWorld();
    const first = world.netns();
    world.must("ADD", world.network(), { netns: first });
    first[Symbol.dispose]();
    const second = world.netns();
    const deadline = performance.now() + 5000;
    // The kernel removes a namespace, and the host end with it, a while later.
    while (ourLinks(world.host).length > 0) assert.ok(performance.now() < deadline, "the veth did not go");
    world.must("ADD", world.network(), { netns: second });
    assert.equal(world.rows().length, 1);
    assert.ok(links(second).has("eth0"));
  });

  it("without addresses (ipam {}) creates a port and nothing of layer 3", () => {
    using world = freshWorld();
    const netns = world.netns();
    const result = world.must("ADD", world.network({ ipam: {}, isDefaultGateway: false }), { netns });
    assert.deepEqual([result.ips, result.routes], [undefined, undefined]);
    assert.equal(links(netns).get("eth0").flags.includes("UP"), true);
    assert.deepEqual(netns.ip("-4", "route"), []);
  });

  it("without addresses in a version whose results must have one is refused, and nothing is left", () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ cniVersion: "0.2.0", ipam: {}, isDefaultGateway: false });
    const { code, json } = world.call("ADD", config, { netns });
    assert.deepEqual([code, json.code], [1, 1]);
    assert.deepEqual([links(netns).has("eth0"), ourLinks(world.host), world.rows()], [false, [], []]);
  });

  it("chooses a private subnet that overlaps no route of the host if none is configured, and remembers it", () => {
    using world = freshWorld();
    const { ipam: _, ...config } = world.network() as Record<string, unknown>;
    const [a, b] = ["c1", "c2"].map(
      (container) => world.must("ADD", config, { netns: world.netns(), container }).ips[0] as Record<string, string>,
    );
    assert.match(a!.address!, /^(10\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.)/);
    assert.equal(a!.gateway, b!.gateway);
    assert.notEqual(a!.address, b!.address);
  });
});
