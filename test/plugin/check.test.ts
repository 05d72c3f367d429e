/**
 * CHECK: `ip`, `bridge` or `nft` break each thing that ADD created, one at a time; what other programs may change is no
 * difference.
 */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import type { Answer } from "../support/plugin.ts";
import type { Netns } from "../support/sandbox.ts";
import { withoutHealing } from "../support/throughAgent.ts";
import { dualStack, freshWorld, ourLinks, type World } from "../support/world.ts";

interface Scene {
  readonly world: World;
  readonly host: Netns;
  readonly pod: Netns;
  readonly outer: string;
  // biome-ignore lint/suspicious/noExplicitAny: a result of ADD
  readonly result: any;
}

const full = { ipMasq: true, ipam: { ...dualStack, routes: [{ dst: "10.50.0.0/16" }] } };

/** An attachment, changed by `change`, and the answer of CHECK. */
function checked(change: (scene: Scene) => unknown, config: object = full): { answer: Answer } & Disposable {
  const world = freshWorld();
  const pod = world.netns();
  const network = world.network(config);
  const result = world.must("ADD", network, { netns: pod });
  const scene = { world, host: world.host, pod, outer: ourLinks(world.host)[0]!, result };
  const prevResult = structuredClone(result);
  const changed = change({ ...scene, result: prevResult });
  const more = typeof changed === "object" && changed !== null && "config" in changed ? (changed.config as object) : {};
  const answer = world.call("CHECK", { ...network, prevResult, ...more }, { netns: pod });
  return { answer, [Symbol.dispose]: () => world[Symbol.dispose]() };
}

describe("CHECK", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "nft nat");
  });

  const breakages: Record<string, [(scene: Scene) => unknown, RegExp]> = {
    "the container's link is down": [({ pod }) => pod.ip("link", "set", "eth0", "down"), /expected up, found down/],
    "the host's end is down": [({ host, outer }) => host.ip("link", "set", outer, "down"), /expected up, found down/],
    "the container's link is gone": [({ pod }) => pod.ip("link", "del", "eth0"), /is missing/],
    "the container's MTU is another": [
      ({ pod }) => pod.ip("link", "set", "eth0", "mtu", "1400"),
      /mtu of link eth0.*expected 1500, found 1400/,
    ],
    "the MTU of the host's end is another": [
      ({ host, outer }) => host.ip("link", "set", outer, "mtu", "1400"),
      /mtu of link nsv.*expected 1500, found 1400/,
    ],
    "the hardware address is another": [
      ({ pod }) => pod.ip("link", "set", "eth0", "address", "02:00:00:00:00:99"),
      /mac.*expected 0a:58:0a:07:00:02, found 02:00:00:00:00:99/,
    ],
    "an IPv4 address is gone": [
      ({ pod }) => pod.ip("address", "del", "10.7.0.2/24", "dev", "eth0"),
      /address of eth0: expected 10\.7\.0\.2\/24, found fd07::2\/64/,
    ],
    "an IPv6 address is gone": [
      ({ pod }) => pod.ip("address", "del", "fd07::2/64", "dev", "eth0"),
      /address of eth0: expected fd07::2\/64, found 10\.7\.0\.2\/24/,
    ],
    "an address has another prefix length": [
      ({ pod }) => {
        pod.ip("address", "del", "10.7.0.2/24", "dev", "eth0");
        pod.ip("address", "add", "10.7.0.2/16", "dev", "eth0");
      },
      /expected 10\.7\.0\.2\/24, found.*10\.7\.0\.2\/16/,
    ],
    "the default route is gone": [({ pod }) => pod.ip("route", "del", "default"), /0\.0\.0\.0\/0.*found none/],
    "the default route has another gateway": [
      ({ pod }) => pod.ip("route", "replace", "default", "via", "10.7.0.77"),
      /via 10\.7\.0\.1.*found via 10\.7\.0\.77/,
    ],
    "the IPv6 default route is gone": [({ pod }) => pod.ip("-6", "route", "del", "default"), /::\/0.*found none/],
    "a configured route is gone": [({ pod }) => pod.ip("route", "del", "10.50.0.0/16"), /10\.50\.0\.0\/16.*found none/],
    "the host's end is in no bridge": [
      ({ host, outer }) => host.ip("link", "set", outer, "nomaster"),
      /master of link.*found none/,
    ],
    "the host's end is in another bridge": [
      ({ host, outer }) => {
        host.ip("link", "add", "br9", "type", "bridge");
        host.ip("link", "set", outer, "master", "br9");
      },
      /master of link/,
    ],
    "the bridge is gone": [({ host }) => host.ip("link", "del", "br0"), /bridge br0 is missing/],
    "the bridge is down": [({ host }) => host.ip("link", "set", "br0", "down"), /state of bridge br0.*found down/],
    "the gateway's address is gone": [
      ({ host }) => host.ip("address", "del", "10.7.0.1/24", "dev", "br0"),
      /address of br0: expected 10\.7\.0\.1\/24/,
    ],
    "hairpin is off": [
      ({ host, outer }) => host.run("bridge", "link", "set", "dev", outer, "hairpin", "off"),
      /hairpin.*expected on, found off/,
    ],
    "the port is isolated": [
      ({ host, outer }) => host.run("bridge", "link", "set", "dev", outer, "isolated", "on"),
      /isolated.*expected off, found on/,
    ],
    "the port does not forward": [
      ({ host, outer }) => host.run("bridge", "link", "set", "dev", outer, "state", "disabled"),
      /expected forwarding, found disabled/,
    ],
    "forwarding is off": [
      ({ host }) => host.run("sysctl", "-qw", "net.ipv4.ip_forward=0"),
      /ip_forward.*expected 1, found 0/,
    ],
    "the masquerade table is gone": [({ host }) => host.nft("delete table inet ns_net"), /masquerade.*is missing/],
    "the masquerade chain is empty": [
      ({ host }) => host.nft("flush table inet ns_net"),
      /rule masquerade-\S+ ip saddr 10\.7/,
    ],
    "a masquerade rule is gone": [
      ({ host }) => {
        const handle = /ip6 saddr.*# handle (\d+)/.exec(host.nft("-a", "list", "table", "inet", "ns_net"))![1];
        const chain = /chain (\S+)/.exec(host.nft("list", "table", "inet", "ns_net"))![1];
        host.nft(`delete rule inet ns_net ${chain} handle ${handle}`);
      },
      /ip6 saddr fd07::\/64.*is missing/,
    ],
    "the lease is gone": [
      ({ world }) => Bun.spawnSync(["rm", "-r", world.dataDir]),
      /lease|entry|store|journal|attach/i,
    ],
    "the lease is another address's": [
      ({ result }) => {
        result.ips[0].address = "10.7.0.99/24";
      },
      /10\.7\.0\.99/,
    ],
  };
  /** An agent puts these back. */
  const healed = /^(the host's end is (down|in)|the bridge|the gateway|hairpin|the port|forwarding|.*masquerade)/;
  for (const [title, [breakIt, says]] of Object.entries(breakages)) {
    it(`fails when ${title}`, function () {
      if (healed.test(title)) withoutHealing(this);
      using done = checked(breakIt);
      const { code, json, stdout } = done.answer;
      assert.equal(code, 1, stdout);
      assert.match(json.msg, says);
      assert.ok(json.details);
    });
  }

  const harmless: Record<string, (scene: Scene) => unknown> = {
    "nothing changed": () => {},
    "a second address and route were added": ({ pod }) => {
      pod.ip("address", "add", "10.60.0.1/24", "dev", "eth0");
      pod.ip("route", "add", "10.70.0.0/16", "via", "10.7.0.9");
    },
    "another interface came": ({ pod }) => pod.ip("link", "add", "x0", "type", "bridge"),
    "a later plugin changed the hardware address and said so": ({ pod, result }) => {
      pod.ip("link", "set", "eth0", "address", "02:00:00:00:00:99");
      result.interfaces[2].mac = "02:00:00:00:00:99";
    },
    "a later plugin changed the container's MTU and said so": ({ pod, result }) => {
      pod.ip("link", "set", "eth0", "mtu", "1400");
      result.interfaces[2].mtu = 1400;
    },
    "a later plugin removed a route and said so": ({ pod, result }) => {
      pod.ip("route", "del", "10.50.0.0/16");
      result.routes = result.routes.filter(({ dst }: { dst: string }) => dst !== "10.50.0.0/16");
    },
    "a later plugin replaced the default route and said so": ({ pod, result }) => {
      pod.ip("route", "del", "default");
      pod.ip("link", "add", "x0", "type", "veth", "peer", "name", "x1");
      pod.ip("address", "add", "10.60.0.2/24", "dev", "x0");
      pod.ip("link", "set", "x0", "up");
      pod.ip("link", "set", "x1", "up");
      pod.ip("route", "add", "default", "via", "10.60.0.1");
      result.routes = [
        ...result.routes.slice(0, -2),
        { dst: "0.0.0.0/0", gw: "10.60.0.1" },
        ...result.routes.slice(-1),
      ];
    },
    "a later plugin added an interface, an address and a route of its own": ({ pod, result }) => {
      pod.ip("link", "add", "wg0", "type", "bridge");
      pod.ip("address", "add", "10.60.0.2/24", "dev", "wg0");
      pod.ip("link", "set", "wg0", "up");
      pod.ip("route", "add", "10.60.0.0/16", "dev", "wg0");
      result.interfaces.push({ name: "wg0", sandbox: "/run/netns/x" });
      result.ips.push({ address: "10.60.0.2/24", interface: 3 });
      result.routes.push({ dst: "10.60.0.0/16" });
    },
    "the uplink's MTU changed after ADD": ({ host }) => {
      host.ip("link", "add", "up0", "mtu", "1300", "type", "veth", "peer", "name", "up1");
      host.ip("address", "add", "192.0.2.2/24", "dev", "up0");
      for (const link of ["up0", "up1"]) host.ip("link", "set", link, "up");
      host.ip("route", "add", "default", "via", "192.0.2.1");
    },
    "the bridge got another address": ({ host }) => host.ip("address", "add", "10.99.0.1/24", "dev", "br0"),
    "there are foreign rules": ({ host }) => host.nft("add table inet other; add chain inet other c"),
    "the bridge was made promiscuous": ({ host }) => host.ip("link", "set", "br0", "promisc", "on"),
  };
  for (const version of ["1.1.0", "1.0.0", "0.4.0"]) {
    for (const [title, change] of Object.entries(harmless)) {
      // Only the newest version has the MTU in a result.
      if (version !== "1.1.0" && title.includes("MTU and said so")) continue;
      it(`${version} succeeds when ${title}`, () => {
        using done = checked(change, { ...full, cniVersion: version });
        assert.deepEqual([done.answer.stdout, done.answer.code], ["", 0]);
      });
    }
  }

  it("succeeds without addresses, and with static ones", () => {
    for (const ipam of [{}, { type: "static", addresses: [{ address: "10.7.0.5/24", gateway: "10.7.0.1" }] }]) {
      using done = checked(() => {}, { ipam, isDefaultGateway: "type" in ipam });
      assert.deepEqual([done.answer.stdout, done.answer.code], ["", 0]);
    }
  });

  it("needs prevResult, and a version with the verb", () => {
    using world = freshWorld();
    const netns = world.netns();
    world.must("ADD", world.network(), { netns });
    const codes = [world.network(), world.network({ cniVersion: "0.3.1" })].map((config) => {
      const { code, json } = world.call("CHECK", config, { netns });
      return [code, json.code];
    });
    assert.deepEqual(codes, [
      [1, 7],
      [1, 1],
    ]);
  });

  it("changes nothing", () => {
    using world = freshWorld();
    const netns = world.netns();
    const prevResult = world.must("ADD", world.network(full), { netns });
    const before = world.snapshot(netns);
    world.must("CHECK", world.network({ ...full, prevResult }), { netns });
    assert.deepEqual(world.snapshot(netns), before);
  });
});
