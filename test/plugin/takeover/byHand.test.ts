/**
 * The commands on a node whose containers the reference's plugins made. Witnesses: ip, iptables-save, host-local's files,
 * traffic.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needsOwnEtc } from "../../cli/place.ts";
import { addList, delList, type ListedPlugin, type NetworkList, type Runtime } from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import type { Netns } from "../../support/sandbox.ts";
import { spawnInside } from "../../support/spawn.ts";
import { freshWorld, type World } from "../../support/world.ts";

describe("Commands on a node of the reference's plugins", function () {
  this.timeout(120_000);
  let world: World;
  let folder: string;
  let network: string;
  let reservations: string;
  let count = 0;

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "iptables", "reference plugins", "ping");
  });

  beforeEach(() => {
    world = freshWorld();
    folder = join(world.dataDir, "../bin");
    mkdirSync(folder);
    network = `byhand${++count}`;
    reservations = `/var/lib/cni/networks/${network}`;
  });

  afterEach(() => {
    world?.[Symbol.dispose]();
    rmSync(reservations, { recursive: true, force: true });
  });

  const bridge = {
    ...{ type: "bridge", bridge: "br0", isDefaultGateway: true, ipMasq: true },
    ipam: { type: "host-local", ranges: [[{ subnet: "10.77.0.0/24" }]] },
  };
  const listOf = (...plugins: readonly ListedPlugin[]): NetworkList => ({
    ...{ cniVersion: "1.0.0", name: network },
    plugins: plugins.map((plugin) => ({ ...plugin, dataDir: world.dataDir })),
  });
  const withPorts = () => listOf(bridge, { type: "portmap", capabilities: { portMappings: true } });

  /** The reference's plugins, except those of these names. */
  function runtime(...ours: readonly string[]): Runtime {
    for (const name of ours) if (!existsSync(join(folder, name))) symlinkSync(nsNet, join(folder, name));
    return {
      host: world.host,
      pluginOf: (type) => join(ours.includes(type) ? folder : referencePlugins, type),
      pluginPath: ours.includes("host-local") ? folder : referencePlugins,
      cacheDir: join(folder, "../cache"),
    };
  }

  interface Pod {
    readonly netns: Netns;
    readonly container: string;
  }

  async function start(container: string, number: number, by = runtime(), list = withPorts()): Promise<Pod> {
    const netns = world.netns();
    const portMappings = [{ hostPort: 8000 + number, containerPort: 80, protocol: "tcp" }];
    await addList(by, list, { netns, container, capabilityArgs: { portMappings } });
    return { netns, container };
  }

  function cli(...words: string[]): string {
    const { stdout } = spawnInside(world.host.path, [nsNet, ...words, "--data-dir", world.dataDir]);
    return stdout.toString();
  }

  const heldBy = () =>
    readdirSync(reservations)
      .filter((name) => /^[\d.]+$/.test(name))
      .map((name) => readFileSync(join(reservations, name), "utf8").split("\r\n")[0])
      .sort();
  const natRules = () =>
    world.host
      .run("iptables-save", "-t", "nat")
      .split("\n")
      .filter((line) => /^-A/.test(line));
  const pings = ({ netns }: Pod) => netns.run("ping", "-c1", "-W2", "10.77.0.1");

  it("gc by hand keeps what lives, without a store", async () => {
    const [a, b] = [await start("a", 1), await start("b", 2)];
    // An old host-local wrote no interface.
    writeFileSync(join(reservations, "10.77.0.3"), "b");
    const rules = natRules();
    assert.equal(cli("gc", "-n", network, "--dry-run"), "Nothing to remove.\n");
    cli("gc", "-n", network);
    assert.deepEqual(heldBy(), ["a", "b"]);
    assert.deepEqual(natRules(), rules);
    for (const pod of [a, b]) pings(pod);
  });

  it("gc by hand removes what is dead, without a store", async () => {
    const [a, b] = [await start("a", 1), await start("b", 2)];
    const links = world.host.ip("link", "show", "type", "veth").length;
    a.netns[Symbol.dispose]();
    while (world.host.ip("link", "show", "type", "veth").length === links) await Bun.sleep(5);
    assert.match(cli("gc", "-n", network), new RegExp(`removed the attachment eth0 of a on ${network}`));
    assert.deepEqual(heldBy(), ["b"]);
    assert.ok(natRules().every((rule) => !rule.includes("10.77.0.2")));
    pings(b);
  });

  it("gc by hand keeps what the runtime says it runs, also if the container gave up its address", async () => {
    const a = await start("a", 1);
    const cached = `/var/lib/cni/results/${network}-a-eth0`;
    a.netns.ip("address", "flush", "dev", "eth0");
    assert.match(cli("gc", "-n", network, "--dry-run"), /would remove the attachment eth0 of a/);
    mkdirSync("/var/lib/cni/results", { recursive: true });
    const kept = JSON.parse(readFileSync(join(folder, `../cache/results/${network}-a-eth0`), "utf8"));
    const { netns: _, ...ofOldLibcni } = kept;
    for (const content of [kept, ofOldLibcni]) {
      writeFileSync(cached, JSON.stringify(content));
      assert.equal(cli("gc", "-n", network), "Nothing to remove.\n");
      assert.deepEqual(heldBy(), ["a"]);
    }
    rmSync(cached);
  });

  /** Replaces the reference's plugins; answers the option that names their folder. */
  function install(): string[] {
    const bin = join(folder, "../installed");
    mkdirSync(bin, { recursive: true });
    for (const name of ["bridge", "host-local", "portmap"])
      if (!existsSync(join(bin, name))) symlinkSync(join(referencePlugins, name), join(bin, name));
    const words = ["install", "--bin-dir", bin, "--drop-in", "--no-conf"];
    const { stderr, exitCode } = spawnInside(world.host.path, [nsNet, ...words]);
    assert.equal(exitCode, 0, stderr.toString());
    return ["--bin-dir", bin];
  }

  it("uninstall leaves the reference's containers alone, dead or alive", async () => {
    const at = install();
    const ours = runtime("bridge", "host-local", "portmap");
    const a = await start("a", 1, ours);
    await delList(ours, withPorts(), a);
    assert.doesNotMatch(cli("uninstall", ...at), /removed the attachment/);
    const b = await start("b", 2);
    const rules = natRules();
    assert.doesNotMatch(cli("gc", "--dry-run"), /of b on/);
    assert.doesNotMatch(cli("doctor", ...at), /of b on/);
    install();
    assert.doesNotMatch(cli("uninstall", ...at), /of b on|could not/);
    assert.deepEqual(heldBy(), ["b"]);
    assert.deepEqual(natRules(), rules);
    pings(b);
  });

  it("gc by hand keeps containers of lists that mix both, with their ports", async () => {
    const addresses = [{ address: "10.77.0.9/24", gateway: "10.77.0.1" }];
    const fixed = { ...bridge, ipam: { type: "static", addresses } };
    const [a, b] = [
      await start("a", 1, runtime("portmap")),
      await start("b", 2, runtime("portmap"), listOf(fixed, withPorts().plugins[1]!)),
    ];
    const published = () => world.host.nft("list", "map", "inet", "ns_net", "ports4").match(/\b800\d\b/g);
    assert.deepEqual(published(), ["8001", "8002"]);
    cli("gc", "-n", network);
    cli("gc");
    assert.deepEqual(heldBy(), ["a"]);
    assert.deepEqual(published(), ["8001", "8002"]);
    for (const pod of [a, b]) pings(pod);
    const links = world.host.ip("link", "show", "type", "veth").length;
    b.netns[Symbol.dispose]();
    while (world.host.ip("link", "show", "type", "veth").length === links) await Bun.sleep(5);
    cli("gc", "-n", network);
    assert.deepEqual(published(), ["8001"]);
  });

  it("ls, status, inspect and check show them before any ADD and after, with their ports and host ends", async function () {
    needsOwnEtc(this);
    const a = await start("a", 1);
    const seen = (state: string) => {
      const [row] = JSON.parse(cli("ls", "--json", "-n", network));
      const { address, link_index } = a.netns.ip("link", "show", "eth0")[0];
      const [outer] = world.host.ip("link").filter(({ ifindex }) => ifindex === link_index);
      assert.deepEqual(
        [row.state, row.namespace, row.addresses, row.ports, row.mac, row.hostVeth],
        [state, a.netns.path, ["10.77.0.2/24"], ["8001:80"], address, outer.ifname],
      );
      assert.match(cli("status"), new RegExp(`^${network} +${state} +1$`, "m"));
      const inspected = cli("inspect", a.netns.name);
      assert.match(inspected, new RegExp(`^host end +${outer.ifname} \\(index \\d+\\), port of br0, forwards$`, "m"));
      assert.match(inspected, /^ports +8001:80$/m);
      assert.match(inspected, new RegExp(`^since .*, ${state}$`, "m"));
      assert.match(
        cli("check", a.netns.name),
        /: nothing differs in what is known of another plugin's: routes are not compared/,
      );
      return row.container;
    };
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(`/etc/cni/net.d/${network}.conflist`, JSON.stringify(withPorts()));
    assert.equal(seen("adoptable"), "a");
    await start("b", 2, runtime("bridge", "host-local", "portmap"));
    assert.equal(seen("adopted"), "a");
    a.netns[Symbol.dispose]();
    while (world.host.ip("link", "show", "type", "veth").length > 1) await Bun.sleep(5);
    assert.equal(JSON.parse(cli("ls", "--json", "-n", network))[0].state, "gone");
    rmSync(`/etc/cni/net.d/${network}.conflist`);
  });

  it("check finds what a container of the reference lost, and does not say that all is well", async function () {
    needsOwnEtc(this);
    mkdirSync("/etc/cni/net.d", { recursive: true });
    writeFileSync(`/etc/cni/net.d/${network}.conflist`, JSON.stringify(withPorts()));
    const a = await start("a", 1);
    const check = () => cli("check", a.netns.name);
    const finds = (pattern: RegExp) => {
      assert.match(check(), pattern);
      assert.doesNotMatch(check(), /nothing differs/);
      assert.match(cli("check", "-n", network), /compared: 1 not as add made it/);
    };
    const [{ link_index }] = a.netns.ip("link", "show", "eth0");
    const outer = world.host.ip("link").find(({ ifindex }) => ifindex === link_index).ifname as string;
    for (const by of ["no store", "a store"]) {
      if (by === "a store") await start("b", 2, runtime("bridge", "host-local", "portmap"));
      world.host.ip("link", "set", outer, "nomaster");
      finds(/bridge of link veth\w+ +expected br0 +found none/);
      world.host.ip("link", "set", outer, "master", "br0", "down");
      finds(/state of link veth\w+ +expected up +found down/);
      world.host.ip("link", "set", outer, "up");
    }
    a.netns.ip("route", "del", "default");
    assert.doesNotMatch(check(), /as add made it/);
    assert.match(check(), /routes are not compared/);
    assert.match(cli("doctor").replace(/\s+/g, " "), /drift nothing differs; of 1 that another plugin made, a part is/);
    const chain = /-A (CNI-DN-\w+) .*--dport 8001 /.exec(world.host.run("iptables-save", "-t", "nat"))![1]!;
    world.host.run("iptables", "-t", "nat", "-F", chain);
    finds(new RegExp(`rules of the chain ${chain} +is missing`));
    rmSync(`/etc/cni/net.d/${network}.conflist`);
  });

  it("uninstall leaves containers with NAT to the reference, whose first DEL removes all of them", async function () {
    needs(this, "ipv6");
    const at = install();
    const ours = runtime("bridge", "host-local");
    const ranges = [[{ subnet: "10.77.0.0/24" }], [{ subnet: "fd77::/64" }]];
    const list = listOf({ ...bridge, ipam: { type: "host-local", ranges } });
    const a = await start("a", 1, ours, list);
    assert.match(cli("uninstall", ...at), /^made 2 chains of iptables for the DEL of bridge$/m);
    for (const program of ["iptables-save", "ip6tables-save"]) assert.match(world.host.run(program), /^:CNI-\w+ /m);
    pings(a);
    await delList(runtime(), list, a);
    for (const program of ["iptables-save", "ip6tables-save"]) assert.doesNotMatch(world.host.run(program), /CNI-/);
    assert.deepEqual(world.host.ip("link", "show", "type", "veth"), []);
    assert.deepEqual(heldBy(), []);
  });

  it("uninstall refuses while a container of another plugin has a port of ours, and names it", async () => {
    const at = install();
    const a = await start("a", 1, runtime("portmap"));
    const { stderr, exitCode } = spawnInside(world.host.path, [
      ...[nsNet, "uninstall", ...at, "--data-dir", world.dataDir],
    ]);
    assert.equal(exitCode, 1);
    assert.match(stderr.toString(), new RegExp(`: eth0 of container a on network ${network} has published ports`));
    await delList(runtime("portmap"), withPorts(), a);
    assert.match(cli("uninstall", ...at), /put back/);
  });

  it("uninstall says why it leaves the link that closes 127.0.0.1, and how to remove it", async () => {
    await start("a", 1);
    const at = install();
    const ours = runtime("bridge", "host-local", "portmap");
    const b = await start("b", 2, ours);
    await delList(ours, withPorts(), b);
    const said = cli("uninstall", ...at);
    const [, cure] = /^left bridge nsnet-closed: br0 has route_localnet .*127\.0\.0\.1: (.*)$/m.exec(said) ?? [];
    assert.ok(cure, said);
    assert.equal(world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "1");
    world.host.run("sh", "-c", cure);
    assert.equal(world.host.sysctl("net/ipv4/conf/br0/route_localnet"), "0");
    assert.doesNotMatch(world.host.run("ip", "link"), /nsnet-closed/);
  });
});
