/**
 * Every file in examples/, used as its first lines say. The witnesses are ip, nft, bridge, tc, ping and TCP. A file that
 * no test uses fails the last test.
 */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { freshPlace, type Place } from "../cli/place.ts";
import { startFirewalld } from "../support/firewalld.ts";
import { addList, checkList, delList, type NetworkList } from "../support/libcni.ts";
import { type Need, needs } from "../support/needs.ts";
import { nsNet, referencePlugins } from "../support/plugin.ts";
import { cable, freshNetns, links, type Netns, namedNetns, run } from "../support/sandbox.ts";
import { tcpReach, tcpServer } from "../support/tcp.ts";
import { freshWorld } from "../support/world.ts";

const folder = join(import.meta.dirname, "../../examples");
const used = new Set<string>();

/** Two containers on a network of a file, on a host whose eth1 leads to `far`. */
interface Scene extends Disposable {
  readonly place: Place;
  readonly far: Netns;
  /** Adds a container by hand. Answers it, and its addresses. */
  add(label?: string): { readonly netns: Netns; readonly name: string; readonly addresses: readonly string[] };
}

function scene(file: string): Scene {
  const path = join(folder, file);
  const place = freshPlace();
  const far = freshNetns("far");
  cable(
    { ns: place.host, ifname: "eth1", cidrs: ["203.0.113.2/24"] },
    { ns: far, ifname: "far0", cidrs: ["203.0.113.1/24"] },
  );
  place.host.ip("route", "add", "default", "via", "203.0.113.1");
  return {
    place,
    far,
    add(label) {
      const name = place.name(label);
      const addresses = place.must("add", name, "--network", path).split("\n").filter(Boolean);
      return { netns: namedNetns(name), name, addresses };
    },
    [Symbol.dispose]() {
      place[Symbol.dispose]();
      far[Symbol.dispose]();
    },
  };
}

const pings = (from: Netns, to: string) => {
  const { exitCode } = Bun.spawnSync(from.inside(["ping", "-c1", "-W2", to]), { stdout: "ignore", stderr: "ignore" });
  return exitCode === 0;
};

/** Runs one example: what the machine must be able to do, and what a person would see. */
function example(file: string, wanted: readonly Need[], sees: (scene: Scene) => unknown): void {
  used.add(file);
  it(file, async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ping", ...wanted);
    using one = scene(file);
    await sees(one);
  });
}

describe("examples/", function () {
  this.timeout(60_000);

  for (const file of ["nat.yaml", "nat.json"]) {
    example(file, [], async ({ add, far }) => {
      const [web, db] = [add(), add()];
      assert.ok(pings(web.netns, db.addresses[0]!));
      using server = await tcpServer(far);
      // far has no route to the containers: it sees the host.
      assert.deepEqual(await tcpReach(web.netns, "203.0.113.1", server.port), { seenAs: "203.0.113.2" });
    });
  }

  example("ports.yaml", [], async ({ add, far, place }) => {
    const { netns } = add();
    using _web = await tcpServer(netns, "0.0.0.0", 80);
    using _admin = await tcpServer(netns, "0.0.0.0", 9000);
    assert.deepEqual(await tcpReach(far, "203.0.113.2", 8080), { seenAs: "203.0.113.1" });
    assert.ok("seenAs" in (await tcpReach(place.host, "127.0.0.1", 9000)));
    assert.ok("failed" in (await tcpReach(far, "203.0.113.2", 9000, { limitMs: 300 })));
  });

  example("dual-stack.yaml", ["ipv6"], ({ add }) => {
    const [web, db] = [add(), add()];
    assert.deepEqual(db.addresses, ["10.63.0.3", "fd00:63::3"]);
    for (const address of db.addresses) assert.ok(pings(web.netns, address), address);
  });

  example("isolated.yaml", [], ({ add, place }) => {
    const [web, db] = [add(), add()];
    assert.ok(!pings(web.netns, db.addresses[0]!));
    assert.ok(pings(web.netns, "203.0.113.1"));
    assert.ok(pings(place.host, web.addresses[0]!));
  });

  example("layer2.yaml", [], ({ add }) => {
    const [a, b] = [add(), add()];
    assert.deepEqual(a.addresses, []);
    for (const [i, { netns }] of [a, b].entries()) netns.ip("address", "add", `192.0.2.${i + 1}/24`, "dev", "eth0");
    assert.ok(pings(a.netns, "192.0.2.2"));
  });

  example("fixed-address.yaml", [], ({ add }) => {
    const { netns, addresses } = add();
    assert.deepEqual(addresses, ["10.65.0.10"]);
    assert.ok(pings(netns, "10.65.0.1"));
  });

  example("range.yaml", [], ({ add }) => {
    const { netns, addresses } = add();
    assert.deepEqual(addresses, ["10.66.10.1"]);
    const [route] = netns.ip("route", "show", "192.168.77.0/24");
    assert.equal(route.gateway, "10.66.0.1");
    assert.ok(pings(netns, "10.66.0.1"));
  });

  example("bandwidth.yaml", ["tbf", "ifb"], ({ add, place }) => {
    const { netns } = add();
    assert.ok(pings(netns, "10.67.0.1"));
    const shapers = place.host
      .run("tc", "qdisc")
      .split("\n")
      .filter((line) => line.includes("tbf"));
    assert.equal(shapers.length, 2);
    for (const line of shapers) assert.match(line, /rate 8Mbit/);
  });

  example("sysctl.yaml", [], ({ add }) => {
    const { netns } = add();
    assert.equal(netns.sysctl("net/core/somaxconn"), "1024");
    assert.equal(netns.sysctl("net/ipv4/ip_unprivileged_port_start"), "0");
  });

  example("ptp.yaml", [], ({ add, place }) => {
    const [web, db] = [add(), add()];
    assert.ok(pings(web.netns, db.addresses[0]!)); // the host routes
    assert.ok(pings(web.netns, "203.0.113.1"));
    assert.ok([...links(place.host).values()].every(({ linkinfo }) => linkinfo?.info_kind !== "bridge"));
  });

  for (const [file, kind, subnet] of [
    ["macvlan.yaml", "macvlan", "10.70.0"],
    ["ipvlan.yaml", "ipvlan", "10.71.0"],
  ] as const) {
    example(file, [kind], ({ add, far }) => {
      const { netns } = add();
      assert.equal(links(netns).get("eth0").linkinfo.info_kind, kind);
      far.ip("address", "add", `${subnet}.250/24`, "dev", "far0");
      assert.ok(pings(netns, `${subnet}.250`));
    });
  }

  example("vlan.yaml", ["vlan"], ({ add, far }) => {
    const { netns } = add();
    far.ip("link", "add", "far100", "link", "far0", "type", "vlan", "id", "100");
    far.ip("address", "add", "10.72.0.250/24", "dev", "far100");
    far.ip("link", "set", "far100", "up");
    assert.ok(pings(netns, "10.72.0.250"));
  });

  example("bridge-vlan.yaml", ["vlan filtering"], ({ add, place }) => {
    const [web, db] = [add(), add()];
    assert.ok(pings(web.netns, db.addresses[0]!));
    const ports = JSON.parse(run(place.host.inside(["bridge", "-j", "vlan"])));
    assert.equal(
      ports.filter(({ vlans }: { vlans: { vlan: number }[] }) => vlans.some(({ vlan }) => vlan === 20)).length,
      2,
    );
  });

  example("host-device.yaml", [], ({ add, place }) => {
    const { netns, name } = add();
    assert.ok(links(netns).has("eth0"));
    assert.ok(!links(place.host).has("eth1"));
    place.must("del", name, "--network", join(folder, "host-device.yaml"));
    assert.ok(links(place.host).has("eth1"));
  });

  example("dummy.yaml", ["dummy"], ({ add }) => {
    const { netns, addresses } = add();
    assert.deepEqual(addresses, ["10.74.0.1"]);
    assert.ok(pings(netns, "10.74.0.1"));
  });

  example("dhcp.yaml", ["reference plugins", "udhcpd"], async ({ add, place, far }) => {
    place.host.ip("link", "add", "lan0", "type", "bridge");
    place.host.ip("link", "set", "lan0", "up");
    place.host.ip("link", "set", "eth1", "master", "lan0");
    const settings = [
      ...["start 10.76.0.50", "end 10.76.0.60", "interface far0", "option subnet 255.255.255.0"],
      ...[`lease_file ${place.folder}/leases`, `pidfile ${place.folder}/pid`, "option router 10.76.0.1"],
    ];
    writeFileSync(join(place.folder, "leases"), "");
    far.ip("address", "add", "10.76.0.1/24", "dev", "far0");
    const server = Bun.spawn(
      far.inside(["busybox", "udhcpd", "-f", place.file("udhcpd.conf", `${settings.join("\n")}\n`)]),
      {
        stdio: ["ignore", "ignore", "ignore"],
      },
    );
    mkdirSync("/run/cni", { recursive: true });
    const daemon = Bun.spawn(place.host.inside([`${referencePlugins}/dhcp`, "daemon"]), {
      stdio: ["ignore", "ignore", "ignore"],
    });
    try {
      for (let i = 0; !existsSync("/run/cni/dhcp.sock") || !existsSync(join(place.folder, "pid")); i++) {
        assert.ok(i < 1000, "waited for 10 s");
        await Bun.sleep(10);
      }
      const { netns, addresses, name } = add();
      assert.match(addresses[0]!, /^10\.76\.0\.(5\d|60)$/);
      assert.ok(pings(netns, "10.76.0.1"));
      place.must("del", name, "--network", join(folder, "dhcp.yaml"));
    } finally {
      for (const child of [daemon, server]) {
        child.kill();
        await child.exited;
      }
    }
  });

  example("firewalld.yaml", ["firewalld", "dbus-daemon"], async ({ place }) => {
    await using firewalld = await startFirewalld(place.host);
    const name = place.name();
    const line = place.command("add", name, "--network", join(folder, "firewalld.yaml"));
    const { exitCode, stdout, stderr } = Bun.spawnSync(place.host.inside(line), {
      env: { ...process.env, ...firewalld.environment },
    });
    assert.equal(exitCode, 0, stderr.toString());
    const address = stdout.toString().trim();
    assert.ok(firewalld.ask("--zone=trusted", "--list-sources").includes(address));
  });

  for (const [file, subnet] of [
    ["kubernetes.conflist", "10.88.0"],
    ["reference-names.conflist", "10.89.0"],
  ] as const) {
    used.add(file);
    it(file, async function () {
      needs(this, "ns-net", "bridge", "nft nat", "ping");
      using world = freshWorld();
      const list: NetworkList = JSON.parse(readFileSync(join(folder, file), "utf8"));
      // The leases of this test, not those of the machine.
      const plugins = list.plugins.map((one) => ({ ...one, dataDir: world.dataDir }));
      const names = join(world.dataDir, "../bin");
      mkdirSync(names, { recursive: true });
      for (const { type } of plugins) if (!existsSync(join(names, type))) run(["ln", "-s", nsNet, join(names, type)]);
      const runtime = {
        host: world.host,
        pluginPath: names,
        cacheDir: join(world.dataDir, "../cache"),
        pluginOf: (type: string) => join(names, type),
      };
      const netns = world.netns();
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const at = { container: "c1", netns, capabilityArgs: { portMappings } };
      await addList(runtime, { ...list, plugins }, at);
      await checkList(runtime, { ...list, plugins }, at);
      assert.ok(pings(netns, `${subnet}.1`));
      using _server = await tcpServer(netns, "0.0.0.0", 80);
      assert.ok("seenAs" in (await tcpReach(world.host, `${subnet}.1`, 8080)));
      await delList(runtime, { ...list, plugins }, at);
      assert.deepEqual([...links(netns).keys()], ["lo"]);
    });
  }

  used.add("takeover.conflist");
  it("takeover.conflist", async function () {
    needs(this, "ns-net", "bridge", "nft nat", "ping", "reference plugins", "iptables");
    using world = freshWorld();
    const list: NetworkList = JSON.parse(readFileSync(join(folder, "takeover.conflist"), "utf8"));
    const cacheDir = join(world.dataDir, "../cache");
    const runtime = { host: world.host, pluginPath: referencePlugins, cacheDir };
    const [old, fresh] = [world.netns("old"), world.netns("new")];
    try {
      // A container that the reference made, with the same keys.
      const before = { ...list, plugins: list.plugins.map((one) => ({ ...one, type: "bridge" })) };
      await addList({ ...runtime, pluginOf: (type: string) => join(referencePlugins, type) }, before, {
        container: "old",
        netns: old,
      });
      assert.ok(pings(old, "10.77.0.1"));

      const now = { ...list, plugins: list.plugins.map((one) => ({ ...one, dataDir: world.dataDir })) };
      const ours = { ...runtime, pluginOf: () => nsNet };
      await addList(ours, now, { container: "new", netns: fresh });
      const addresses = [old, fresh].map((ns) => ns.ip("-4", "address", "show", "eth0")[0].addr_info[0].local);
      assert.deepEqual(addresses, ["10.77.0.2", "10.77.0.3"]);
      assert.ok(pings(fresh, "10.77.0.2"));
      await checkList(ours, now, { container: "old", netns: old });
      for (const [container, netns] of [
        ["old", old],
        ["new", fresh],
      ] as const)
        await delList(ours, now, { container, netns });
      assert.deepEqual([...links(old).keys()], ["lo"]);
      const reservations = readdirSync("/var/lib/cni/networks/oldnet").filter((file) => /^10\./.test(file));
      assert.deepEqual(reservations, []);
    } finally {
      rmSync("/var/lib/cni/networks/oldnet", { recursive: true, force: true });
    }
  });

  it("has each YAML file as JSON, too, with the version that a runtime needs there", () => {
    for (const file of readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
      const twin = file.replace(".yaml", ".json");
      const json = JSON.parse(readFileSync(join(folder, twin), "utf8"));
      assert.deepEqual(json, { cniVersion: "1.1.0", ...parse(readFileSync(join(folder, file), "utf8")) }, twin);
      used.add(twin);
    }
  });

  it("has no file that no test uses", () => {
    const unused = readdirSync(folder).filter((file) => file !== "README.md" && !used.has(file));
    assert.deepEqual(unused, []);
  });
});
