/** A live node: the reference's plugins made pods, ns-net stands in their place. Witnesses: ip, iptables, host-local's files. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addAll, type Chain, checkAll, delAll } from "../support/chain.ts";
import { needs } from "../support/needs.ts";
import { nsNet, referencePlugins, startPlugin } from "../support/plugin.ts";
import { type Netns, run } from "../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../support/world.ts";

const types = ["bridge", "portmap", "firewall", "bandwidth"] as const;
const burst = 8_000_000;

describe("Taking over a live node", function () {
  this.timeout(60_000);
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
    for (const type of [...types, "host-local"]) symlinkSync(nsNet, join(folder, type));
    network = `taken${++count}`; // a plugin after another one is told of no other folder than host-local's own
    reservations = `/var/lib/cni/networks/${network}`;
  });

  afterEach(() => {
    world?.[Symbol.dispose]();
    rmSync(reservations, { recursive: true, force: true });
  });

  const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "fd07::/64" }]] };

  function chain(plugins: string, port: number): Chain {
    const portMappings = (["tcp", "udp"] as const).map((protocol) => ({ hostPort: port, containerPort: 80, protocol }));
    const keys = {
      bridge: { bridge: "br0", isDefaultGateway: true, ipMasq: true, ipam },
      portmap: { runtimeConfig: { portMappings } },
      firewall: { backend: "iptables" },
      bandwidth: { ingressRate: burst, ingressBurst: burst, egressRate: burst, egressBurst: burst },
    };
    return { name: network, links: types.map((type) => ({ type, folder: plugins, keys: keys[type] })) };
  }

  interface Pod {
    readonly at: { readonly netns: Netns; readonly container: string };
    readonly result: object;
    readonly port: number;
    readonly addresses: string[];
  }

  function start(plugins: string, number: number): Pod {
    const at = { netns: world.netns(), container: `c${number}` };
    const port = 8000 + number;
    const result = addAll(world, chain(plugins, port), at) as { ips: { address: string }[] };
    return { at, result, port, addresses: result.ips.map(({ address }) => address) };
  }

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
    assert.doesNotMatch(world.host.nft("list", "ruleset"), /80\d\d|nsv/);
  }

  it("ten pods of the reference's, ten of ours, and nothing left of either, however they are deleted", () => {
    const theirs = numbers(1, 10).map((i) => start(referencePlugins, i));
    // Before any ADD of ours, with all that a runtime can tell.
    const [first, ...others] = theirs;
    delAll(world, chain(folder, first!.port), first!.at, first!.result);
    const pods = [...others, ...numbers(11, 20).map((i) => start(folder, i))];
    const all = pods.flatMap(({ addresses }) => addresses);
    assert.equal(new Set(all).size, all.length, all.join(" "));
    for (const { at, port, result } of pods.slice(0, 2)) checkAll(world, chain(folder, port), at, result);
    for (const [i, { at, port, result }] of pods.entries()) {
      const gone = { ...at, netns: at.netns.path };
      const nowhere = { ...at, netns: "" };
      const ways: (() => void)[] = [
        () => delAll(world, chain(folder, port), at, result),
        () => delAll(world, chain(folder, port), at),
        () => delAll(world, chain(folder, port), nowhere, result),
        () => {
          at.netns[Symbol.dispose]();
          delAll(world, chain(folder, port), gone, result);
        },
        () => {
          at.netns[Symbol.dispose]();
          delAll(world, chain(folder, port), nowhere);
        },
      ];
      ways[i % ways.length]!();
      delAll(world, chain(folder, port), nowhere); // as containerd does once more
    }
    nothingIsLeft();
  });

  it("gives no address away that the reference gave, when many begin at once, each knowing of none", async () => {
    const theirs = numbers(1, 6).map((i) => start(referencePlugins, i));
    const config = {
      cniVersion: "1.0.0",
      name: network,
      dataDir: world.dataDir,
      type: "bridge",
      ...chain(folder, 1).links[0]!.keys,
    };
    const plugin = join(folder, "bridge");
    const ours = numbers(7, 12).map((i) => {
      const at = { netns: world.netns(), container: `c${i}` };
      return startPlugin({ ...at, command: "ADD", plugin, host: world.host, config });
    });
    const answers = await Promise.all(ours.map(({ answer }) => answer));
    const given = answers.flatMap(({ json }) => json.ips.map((one: { address: string }) => one.address));
    const all = [...given, ...theirs.flatMap(({ addresses }) => addresses)];
    assert.equal(new Set(all).size, 24, all.join(" "));
  });

  it("meets a reservation that came after it had looked", () => {
    start(referencePlugins, 1);
    const second = start(folder, 2);
    // A plugin of the reference's that was at work all the while: the address that comes next.
    const next = second.addresses.map((cidr) => cidr.split("/")[0]!.replace(/3$/, "4"));
    for (const address of next) writeFileSync(join(reservations, address), "late\r\neth0");
    const { addresses } = start(folder, 3);
    assert.ok(!addresses.some((cidr) => next.includes(cidr.split("/")[0]!)), addresses.join(" "));
    assert.ok(world.leases().some((lease) => lease.startsWith("late/eth0")));
  });

  it("GC removes what the reference left of attachments that are not valid, before any ADD and after", () => {
    const pods = numbers(1, 4).map((i) => start(referencePlugins, i));
    const collect = (...kept: Pod[]) => {
      const valid = kept.map(({ at }) => ({ containerID: at.container, ifname: "eth0" }));
      const named = { cniVersion: "1.1.0", name: network, dataDir: world.dataDir, "cni.dev/valid-attachments": valid };
      for (const { type, keys } of chain(folder, 1).links) {
        world.must("GC", { ...keys, ...named, type }, { plugin: join(folder, type) });
      }
    };
    for (const { at } of pods.slice(2)) at.netns[Symbol.dispose]();
    collect(...pods.slice(0, 3));
    assert.equal(heldFiles().length, 6);
    const ours = start(folder, 5);
    collect(ours, ...pods.slice(0, 2));
    assert.equal(heldFiles().length, 4);
    assert.equal(world.leases().length, 3);
    collect();
    nothingIsLeft();
  });

  it("shows them in ls, and gc by hand leaves those that stand", () => {
    const [stays, goes] = [start(referencePlugins, 1), start(referencePlugins, 2)];
    const ours = start(folder, 3);
    goes.at.netns[Symbol.dispose]();
    const cli = (...words: string[]) => run(world.host.inside([nsNet, ...words, "--data-dir", world.dataDir]));
    assert.match(cli("ls"), /eth0 +10\.7\.0\.2\/24,fd07::2\/64 .* adopted/);
    assert.match(cli("check", stays.at.netns.name), /as add made it/);
    cli("gc");
    assert.deepEqual(
      world.leases().map((lease) => lease.split("/")[0]),
      [stays.at.container, ours.at.container],
    );
    assert.equal(heldFiles().length, 2);
  });

  it("reclaims in a full pool what provably is no more, and nothing that stands", () => {
    const small = { type: "host-local", ranges: [[{ subnet: "10.7.0.0/29" }]] };
    const one = (plugins: string, number: number) => {
      const bridge = { ...chain(plugins, number).links[0]!, keys: { bridge: "br0", isGateway: true, ipam: small } };
      const at = { netns: world.netns(), container: `c${number}` };
      return { at, result: addAll(world, { name: network, links: [bridge] }, at) as { ips: { address: string }[] } };
    };
    const [first] = numbers(1, 5).map((i) => one(referencePlugins, i));
    assert.throws(() => one(folder, 6), /5 of 5 in use/);
    first!.at.netns[Symbol.dispose]();
    assert.equal(one(folder, 7).result.ips[0]!.address, first!.result.ips[0]!.address);
    assert.throws(() => one(folder, 8), /5 of 5 in use/);
  });

  it("starts no other program for attachments that are its own", function () {
    needs(this, "strace");
    start(referencePlugins, 1);
    const ours = start(folder, 2);
    const trace = join(folder, "../trace");
    const bare = join(folder, "../traced");
    mkdirSync(bare);
    for (const type of types) {
      const script = `#!/bin/sh\nexec strace -f -e trace=execve -A -o ${trace} ${join(folder, type)}\n`;
      writeFileSync(join(bare, type), script, { mode: 0o755 });
    }
    delAll(world, chain(bare, ours.port), ours.at, ours.result);
    delAll(world, chain(bare, ours.port), { ...ours.at, netns: "" });
    const started = run(["cat", trace])
      .split("\n")
      .filter((line) => line.includes("execve("));
    assert.equal(started.length, types.length * 2, started.join("\n"));
  });
});
