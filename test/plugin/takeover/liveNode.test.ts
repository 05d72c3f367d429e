/**
 * A live node: the reference's plugins created pods, and ns-net replaces the plugins. Witnesses: ip, iptables,
 * host-local's files.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  addList,
  type Container,
  checkList,
  delList,
  gcList,
  type ListedPlugin,
  type NetworkList,
  type Runtime,
} from "../../support/libcni.ts";
import { needs } from "../../support/needs.ts";
import { nsNet, referencePlugins } from "../../support/plugin.ts";
import { type Netns, run } from "../../support/sandbox.ts";
import { withoutAgent } from "../../support/throughAgent.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

const burst = 8_000_000;

describe("Taking over a live node", function () {
  this.timeout(180_000);
  let world: World;
  let folder: string;
  let network: string;
  let reservations: string;
  let count = 0;

  before(function () {
    needs(this, "ns-net", "bridge", "nft nat", "nft fib", "tbf", "ifb", "ipv6", "iptables", "reference plugins");
  });

  beforeEach(() => {
    world = freshWorld();
    folder = join(world.dataDir, "../bin");
    mkdirSync(folder);
    for (const type of ["bridge", "portmap", "firewall", "bandwidth", "host-local"])
      symlinkSync(nsNet, join(folder, type));
    network = `taken${++count}`; // a chained plugin has no other folder than host-local's default
    reservations = `/var/lib/cni/networks/${network}`;
  });

  afterEach(() => {
    world?.[Symbol.dispose]();
    rmSync(reservations, { recursive: true, force: true });
  });

  const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]] };

  function listed(...plugins: readonly ListedPlugin[]): NetworkList {
    const ours = plugins.map((plugin) => ({ ...plugin, dataDir: world.dataDir }));
    return { cniVersion: "1.1.0", name: network, plugins: ours };
  }

  /** CHECK, GC and STATUS use the newest version, which Debian's reference plugins do not support. */
  const known = (plugins: string, list: NetworkList) =>
    plugins === referencePlugins ? { ...list, cniVersion: "1.0.0" } : list;

  const bridge = { type: "bridge", bridge: "br0", isDefaultGateway: true, ipMasq: true, ipam };
  const chain = () =>
    listed(
      bridge,
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "firewall", backend: "iptables" },
      { type: "bandwidth", ingressRate: burst, ingressBurst: burst, egressRate: burst, egressBurst: burst },
    );

  const runtime = (plugins: string): Runtime => ({
    host: world.host,
    pluginOf: (type) => join(plugins, type),
    pluginPath: plugins,
    cacheDir: join(folder, "../cache"),
  });

  interface Pod extends Container {
    readonly netns: Netns;
    readonly addresses: string[];
  }

  async function start(plugins: string, number: number, list = chain()): Promise<Pod> {
    const portMappings = (["tcp", "udp"] as const).map((protocol) => {
      return { hostPort: 8000 + number, containerPort: 80, protocol };
    });
    const at = { netns: world.netns(), container: `c${number}`, capabilityArgs: { portMappings } };
    const result = await addList(runtime(plugins), known(plugins, list), at);
    const { ips } = result as { ips: { address: string }[] };
    return { ...at, addresses: ips.map(({ address }) => address) };
  }

  /** One after the other: the reference's plugins sometimes fail if two of them create the same chain. */
  async function startAll(plugins: string, numbers: readonly number[], list = chain()): Promise<Pod[]> {
    if (plugins === folder) return Promise.all(numbers.map((i) => start(plugins, i, list)));
    const pods: Pod[] = [];
    for (const i of numbers) pods.push(await start(plugins, i, list));
    return pods;
  }
  /** A namespace without a process ends a moment after its name is removed, and its links with it. */
  async function end({ netns }: Pod): Promise<void> {
    const links = world.host.ip("link", "show", "type", "veth").length;
    netns[Symbol.dispose]();
    while (world.host.ip("link", "show", "type", "veth").length === links) await Bun.sleep(5);
  }

  const forget = () => rmSync(join(folder, "../cache"), { recursive: true, force: true });
  const numbers = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const heldFiles = () =>
    (existsSync(reservations) ? readdirSync(reservations) : []).filter((name) => /^[\da-f.:]+$/.test(name));

  function nothingIsLeft() {
    assert.deepEqual(world.leases(), []);
    assert.deepEqual(heldFiles(), []);
    assert.deepEqual(ourLinks(world.host), []);
    for (const kind of ["veth", "ifb"]) assert.deepEqual(world.host.ip("link", "show", "type", kind), [], kind);
    for (const program of ["iptables-save", "ip6tables-save"]) {
      assert.doesNotMatch(world.host.run(program), /CNI-DN|-j CNI-[0-9a-f]|10\.7\.0|fd07::.*ACCEPT/, program);
    }
    // without the counters, whose bytes may well be 8080
    assert.doesNotMatch(world.host.nft("--stateless", "list", "ruleset"), /80\d\d|nsv/);
  }

  it("pods of the reference, pods of ours, and nothing left of either, whichever way they are deleted", async () => {
    const ours = runtime(folder);
    const [first, ...theirs] = await startAll(referencePlugins, numbers(1, 8));
    await delList(ours, chain(), first!); // before any ADD of ours
    const kinds = [theirs, await startAll(folder, numbers(11, 17))];
    const all = kinds.flat().flatMap(({ addresses }) => addresses);
    assert.equal(new Set(all).size, all.length, all.join(" "));
    for (const pods of kinds) for (const pod of pods.slice(0, 2)) await checkList(ours, chain(), pod);
    const withoutNetns = (pod: Pod) => ({ ...pod, netns: "" });
    const goneNetns = (pod: Pod) => {
      pod.netns[Symbol.dispose]();
      return { ...pod, netns: pod.netns.path };
    };
    const goneAndEmpty = (pod: Pod) => ({ ...goneNetns(pod), netns: "" });
    const told = [(pod: Pod) => pod, withoutNetns, goneNetns, goneAndEmpty];
    // One of each kind in each way.
    const deleted = (pods: readonly Pod[], ways: readonly ((pod: Pod) => Container)[]) =>
      ways.map((way, i) => delList(ours, chain(), way(pods[i]!)));
    await Promise.all(kinds.flatMap((pods) => deleted(pods, told)));
    forget(); // without prevResult; without that and without a namespace, an interface there cannot be found
    const ways = [(pod: Pod) => pod, goneNetns, goneAndEmpty];
    const rest = kinds.map((pods) => pods.slice(told.length));
    assert.deepEqual([rest[0]!.length, rest[1]!.length], [ways.length, ways.length]);
    await Promise.all(rest.flatMap((pods) => deleted(pods, ways)));
    const again = kinds.flatMap((pods) => [pods[0]!, pods.at(-1)!]);
    await Promise.all(again.map((pod) => delList(ours, chain(), withoutNetns(pod)))); // as containerd does once more
    nothingIsLeft();
  });

  it("gives no address that the reference gave, also if many ADDs begin at once", async () => {
    const theirs = await startAll(referencePlugins, numbers(1, 6), listed(bridge));
    const ours = await startAll(folder, numbers(7, 12), listed(bridge));
    const all = [...theirs, ...ours].flatMap(({ addresses }) => addresses);
    assert.equal(new Set(all).size, 24, all.join(" "));
  });

  it("finds a reservation that was made after it had read them", async () => {
    await start(referencePlugins, 1);
    const second = await start(folder, 2);
    // A plugin of the reference that ran all the time: the next address.
    const next = second.addresses.map((cidr) => cidr.split("/")[0]!.replace(/3$/, "4"));
    for (const address of next) writeFileSync(join(reservations, address), "late\r\neth0");
    const { addresses } = await start(folder, 3);
    assert.ok(!addresses.some((cidr) => next.includes(cidr.split("/")[0]!)), addresses.join(" "));
    assert.ok(world.leases().some((lease) => lease.startsWith("late/eth0")));
  });

  it("GC removes what the reference left of attachments that are not valid, before any ADD and after", async () => {
    const pods = await startAll(referencePlugins, numbers(1, 4));
    forget(); // or libcni would DEL them
    for (const { netns } of pods.slice(2)) netns[Symbol.dispose]();
    const collect = (...valid: Pod[]) => gcList(runtime(folder), chain(), valid);
    await collect(...pods.slice(0, 3));
    assert.equal(heldFiles().length, 6);
    const ours = await start(folder, 5);
    forget();
    await collect(ours, ...pods.slice(0, 2));
    assert.equal(heldFiles().length, 4);
    assert.equal(world.leases().length, 3);
    await collect();
    nothingIsLeft();
  });

  it("shows them in ls, and gc by hand keeps those that are alive", async () => {
    const [stays, goes] = await startAll(referencePlugins, numbers(1, 2));
    const ours = await start(folder, 3);
    await end(goes!);
    const cli = (...words: string[]) => run(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]));
    assert.match(cli("ls"), /eth0 +10\.7\.0\.2,fd07::2 .* adopted/);
    assert.match(cli("check", stays!.netns.name), /nothing differs in what is known/);
    cli("gc");
    assert.deepEqual(
      world.leases().map((lease) => lease.split("/")[0]),
      [stays!.container, ours.container],
    );
    assert.equal(heldFiles().length, 2);
  });

  it("reclaims in a full pool what is certainly dead, and nothing that is alive", async () => {
    // Addresses that no other test has: a namespace with one of them, also another test's, keeps the lease.
    const list = listed({ ...bridge, ipam: { type: "host-local", ranges: [[{ subnet: "10.187.93.0/29" }]] } });
    const [first] = await startAll(referencePlugins, numbers(1, 5), list);
    await assert.rejects(start(folder, 6, list), /5 of 5 in use/);
    await end(first!);
    assert.deepEqual((await start(folder, 7, list)).addresses, first!.addresses);
    await assert.rejects(start(folder, 8, list), /5 of 5 in use/);
  });

  it("finds both again if the store is lost", async () => {
    const list = listed(bridge);
    const pods = [await start(referencePlugins, 1, list), await start(folder, 2, list)];
    rmSync(world.dataDir, { recursive: true });
    pods.push(await start(folder, 3, list));
    const all = pods.flatMap(({ addresses }) => addresses);
    assert.equal(new Set(all).size, all.length, all.join(" "));
    assert.equal(world.leases().length, 3, world.leases().join());
    for (const pod of pods) await delList(runtime(folder), list, pod);
    nothingIsLeft();
  });

  it("finds an interface without a host end: a macvlan", async function () {
    needs(this, "macvlan");
    world.host.ip("link", "add", "up0", "type", "veth", "peer", "name", "up1");
    symlinkSync(nsNet, join(folder, "macvlan"));
    const list = listed({
      type: "macvlan",
      master: "up0",
      ipam: { type: "host-local", ranges: ipam.ranges.slice(0, 1) },
    });
    const theirs = await start(referencePlugins, 1, list);
    const ours = await start(folder, 2, list);
    const cli = (...words: string[]) => run(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]));
    assert.match(cli("ls"), new RegExp(`^${theirs.netns.name} .* adopted$`, "m"));
    assert.match(cli("gc"), /Nothing to remove/);
    for (const pod of [theirs, ours]) {
      await delList(runtime(folder), list, pod);
      assert.equal(pod.netns.ip("link").length, 1);
    }
    assert.deepEqual(world.leases(), []);
    assert.deepEqual(heldFiles(), []);
  });

  it("starts no other program for its own attachments", async function () {
    needs(this, "strace");
    withoutAgent(this, "the launcher runs the executable");
    await start(referencePlugins, 1);
    const ours = await start(folder, 2);
    const [trace, traced] = [join(folder, "../trace"), join(folder, "../traced")];
    mkdirSync(traced);
    const types = chain().plugins.map(({ type }) => type);
    for (const type of types) {
      const script = `#!/bin/sh\nexec strace -f -e trace=execve -A -o ${trace} ${join(folder, type)}\n`;
      writeFileSync(join(traced, type), script, { mode: 0o755 });
    }
    await delList(runtime(traced), chain(), ours);
    await delList(runtime(traced), chain(), { ...ours, netns: "" });
    const started = run(["cat", trace])
      .split("\n")
      .filter((line) => line.includes("execve("));
    assert.equal(started.length, types.length * 2, started.join("\n"));
  });
});
