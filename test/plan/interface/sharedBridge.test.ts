/**
 * Containers on a bridge with other machines: they have a link-local address and solicit routers. Witnesses: `ip`,
 * `ping`, and a router at the other end, by socat.
 */
import assert from "node:assert/strict";
import { until } from "../../support/daemon.ts";
import { needs } from "../../support/needs.ts";
import { advertise } from "../../support/router.ts";
import { cable, links, type Netns } from "../../support/sandbox.ts";
import { freshWorld, ranges, type World } from "../../support/world.ts";

const linkLocal = (ns: Netns, ifname = "eth0"): string | undefined =>
  links(ns)
    .get(ifname)
    .addr_info.find((one: { scope: string; family: string }) => one.scope === "link" && one.family === "inet6")?.local;

/** A machine on a cable whose other end is `lan0` of the host. */
function lan(world: World): Netns {
  const machine = world.netns("lan");
  machine.run("sysctl", "-w", "net.ipv6.conf.all.forwarding=1"); // a router receives what is sent to all routers
  cable({ ns: world.host, ifname: "lan0" }, { ns: machine, ifname: "up0" });
  return machine;
}

const networks = {
  "with IPv4 addresses": { ipam: ranges("10.7.0.0/24"), isDefaultGateway: false },
  "without addresses": { ipam: {}, isDefaultGateway: false },
} as const;

describe("On a bridge with a port that leads to other machines", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "ipv6", "ping", "socat");
  });

  for (const [what, change] of Object.entries(networks)) {
    for (const type of ["ns-net", "bridge"]) {
      it(`a container ${what} (${type}) solicits a router and creates an address with its prefix`, async () => {
        using world = freshWorld();
        const machine = lan(world);
        world.host.ip("link", "add", "br0", "type", "bridge");
        world.host.ip("link", "set", "lan0", "master", "br0");
        const hears = Bun.spawn(machine.inside(["socat", "-u", "IP6-RECV:58", "STDOUT"]), {
          stdout: "pipe",
          stderr: "ignore",
        });
        try {
          const solicited = heard(hears.stdout, 133); // RFC 4861, 4.1
          const netns = world.netns();
          const config = world.network({ type, ...change });
          const result = world.must("ADD", config, { netns });
          const address = linkLocal(netns);
          assert.ok(address);
          await until("the router is reached", () => machine.run("ping", "-c1", "-W1", `${address}%up0`), 10_000);
          await solicited;
          advertise(machine, "up0", address);
          const own = () =>
            links(netns)
              .get("eth0")
              .addr_info.map((one: { local: string }) => one.local);
          await until("an address of the prefix", () => /2001:db8:77:/.test(own().join()), 10_000);
          world.must("CHECK", { ...config, prevResult: result }, { netns });
        } finally {
          hears.kill();
        }
      });
    }
  }

  it("so does one on a bridge of ns-net that got such a port later", () => {
    using world = freshWorld();
    const [first, second, third] = [world.netns(), world.netns(), world.netns()];
    const config = world.network();
    world.must("ADD", config, { netns: first, container: "c1" });
    assert.equal(linkLocal(first), undefined, "alone on its bridge");
    lan(world);
    world.host.ip("link", "set", "lan0", "master", "br0");
    world.must("ADD", config, { netns: second, container: "c2" });
    assert.match(linkLocal(second) ?? "", /^fe80:/);
    world.host.ip("link", "set", "lan0", "nomaster");
    world.must("ADD", config, { netns: third, container: "c3" });
    assert.equal(linkLocal(third), undefined, "alone again");
  });

  it("so does one among many, if the port of other machines is older or newer than the containers'", () => {
    using world = freshWorld();
    lan(world);
    const config = world.network();
    world.must("ADD", config, { netns: world.netns(), container: "c1" });
    const ports = (from: number, to: number) =>
      `for i in $(seq ${from} ${to}); do ip link add nsv$(printf %012d $i) type veth peer name p$i; ip link set nsv$(printf %012d $i) master br0; done`;
    world.host.run("sh", "-c", ports(1, 80));
    const third = world.netns();
    world.must("ADD", config, { netns: third, container: "c3" });
    assert.equal(linkLocal(third), undefined, "alone on its bridge");
    world.host.ip("link", "set", "lan0", "master", "br0");
    const older = world.netns();
    world.must("ADD", config, { netns: older, container: "older" });
    assert.match(linkLocal(older) ?? "", /^fe80:/);
    world.host.ip("link", "set", "lan0", "nomaster");
    world.host.ip("link", "add", "tun0", "type", "veth", "peer", "name", "tun1");
    world.host.ip("link", "set", "tun0", "master", "br0");
    const newer = world.netns();
    world.must("ADD", config, { netns: newer, container: "newer" });
    assert.match(linkLocal(newer) ?? "", /^fe80:/);
  });

  it("settings of the interface are set before it is up, so that it never acts without them", () => {
    using world = freshWorld();
    lan(world);
    world.host.ip("link", "add", "br0", "type", "bridge");
    world.host.ip("link", "set", "lan0", "master", "br0");
    const netns = world.netns();
    const sysctl = { "net.ipv6.conf.IFNAME.addr_gen_mode": "1", "net.ipv6.conf.IFNAME.accept_ra": "0" };
    const config = world.network({ ipam: ranges("fd07::/64"), isDefaultGateway: false, sysctl });
    const result = world.must("ADD", config, { netns });
    assert.equal(netns.sysctl("net/ipv6/conf/eth0/accept_ra"), "0");
    assert.equal(linkLocal(netns), undefined, "1 is no address");
    world.must("CHECK", { ...config, prevResult: result }, { netns });
  });

  it("a bridge with only ns-net's ports stays silent, also with holes of deleted ports", () => {
    using world = freshWorld();
    const pods = [1, 2, 3, 4].map(() => world.netns());
    const config = world.network();
    for (const i of [0, 1, 2]) world.must("ADD", config, { netns: pods[i]!, container: `c${i}` });
    world.must("DEL", config, { netns: pods[1]!, container: "c1" });
    world.must("ADD", config, { netns: pods[3]!, container: "c3" });
    for (const i of [0, 2, 3]) assert.equal(linkLocal(pods[i]!), undefined);
    assert.equal(linkLocal(world.host, ourPort(world)), undefined);
  });
});

const ourPort = (world: World): string =>
  world.host.ip("link", "show", "master", "br0").map(({ ifname }) => ifname as string)[0]!;

/** Resolves when an ICMPv6 message of that type comes. */
async function heard(stream: ReadableStream<Uint8Array>, type: number): Promise<void> {
  for await (const bytes of stream) if (bytes[0] === type) return;
  throw new Error(`no message of type ${type} came`);
}
