/** Pod sandboxes as kubelet creates them: containerd's CRI, with ns-net as its only plugin and as loopback. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { referencePlugins } from "../support/plugin.ts";
import { tcpReach, tcpServer } from "../support/tcp.ts";
import { dualStack, freshWorld, ourLinks, ranges, type World } from "../support/world.ts";
import { conflist, needsClient, nothingLeft, publishedPorts } from "./client.ts";
import { type Containerd, freshContainerd } from "./containerd.ts";

describe("containerd's CRI", function () {
  this.timeout(120_000);
  let world: World;
  let containerd: Containerd;

  before(async function () {
    needsClient(this, "containerd", "ctr");
    world = freshWorld();
    containerd = await freshContainerd(world.host, mkdtempSync(join(tmpdir(), "ns-net-containerd-")));
  });

  after(async () => {
    await containerd?.[Symbol.asyncDispose]();
    world?.[Symbol.dispose]();
  });

  it("has no network without a conflist, and one soon after", async () => {
    assert.match(String(await containerd.cri.networkComplaint()), /cni plugin not initialized|no network config/);
    await containerd.configure(conflist(world));
    assert.equal(await containerd.cri.networkComplaint(), undefined);
  });

  const families: [string, object, RegExp[]][] = [
    ["IPv4", ranges("10.7.0.0/24"), [/^10\.7\.0\.\d+$/]],
    ["IPv6", ranges("fd07::/64"), [/^fd07::/]],
    ["dual stack", dualStack, [/^10\.7\.0\.\d+$/, /^fd07::/]],
  ];
  for (const [name, ipam, expected] of families) {
    it(`gives a sandbox its addresses: ${name}`, async () => {
      await containerd.configure(conflist(world, { ipam }));
      const id = await containerd.cri.run({ name: "web" });
      const addresses = await containerd.cri.addresses(id);
      assert.equal(addresses.length, expected.length, addresses.join(" "));
      for (const [i, pattern] of expected.entries()) assert.match(addresses[i]!, pattern);
      assert.match(world.leases()[0]!, new RegExp(`^${id}/eth0 ${addresses[0]}`));
      await containerd.cri.stop(id);
      nothingLeft(world);
      await containerd.cri.remove(id);
    });
  }

  it("stops twice and removes: DEL with neither namespace nor prevResult", async () => {
    await containerd.configure(conflist(world));
    const id = await containerd.cri.run({ name: "twice" });
    await containerd.cri.stop(id);
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
    nothingLeft(world);
  });

  it("takes a pod's name from CNI_ARGS for ls", async () => {
    const id = await containerd.cri.run({ name: "named" });
    const listed = world.host.run(join(containerd.binaries, "ns-net"), "ls", "--data-dir", world.dataDir, "--json");
    assert.equal(JSON.parse(listed)[0].pod, "default/named");
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
  });

  it("runs twenty sandboxes at once", async () => {
    const pods = Array.from({ length: 20 }, (_, i) => ({
      name: `pod${i}`,
      ports: [{ host: 8000 + i, container: 80 }],
    }));
    const ids = await Promise.all(pods.map((pod) => containerd.cri.run(pod)));
    const addresses = await Promise.all(ids.map((id) => containerd.cri.addresses(id)));
    assert.equal(new Set(addresses.map(([first]) => first)).size, 20);
    assert.equal(ourLinks(world.host).length, 20);
    assert.equal(publishedPorts(world).length, 20, world.host.nft("list", "ruleset"));
    await Promise.all(ids.map((id) => containerd.cri.stop(id)));
    await Promise.all(ids.map((id) => containerd.cri.remove(id)));
    nothingLeft(world);
  });

  it("publishes a port, and names the holder to a second sandbox that requests it", async () => {
    const id = await containerd.cri.run({ name: "first", ports: [{ host: 8080, container: 80 }] });
    const second = containerd.cri.run({ name: "second", ports: [{ host: 8080, container: 80 }] });
    await assert.rejects(
      second,
      /Cannot publish port 8080\/tcp: eth0 of container [0-9a-f]{64} on network podnet has it/,
    );
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
    nothingLeft(world);
  });

  it("publishes a port of a sandbox on two networks, which containerd attaches at once", async () => {
    const second = conflist(world, { bridge: "cni3", ipam: ranges("10.7.3.0/24") }, "second");
    await containerd.configureSecond(second);
    const id = await containerd.cri.run({ name: "both", ports: [{ host: 8082, container: 80 }] });
    assert.equal(world.leases().length, 2, world.leases().join());
    const leads = publishedPorts(world).filter((line) => / 8082 /.test(line));
    assert.equal(leads.length, 1, leads.join("\n"));
    const listed = world.host.run(join(containerd.binaries, "ns-net"), "ls", "--data-dir", world.dataDir, "--json");
    const [{ namespace }] = JSON.parse(listed);
    const pod = { inside: (command: readonly string[]) => ["nsenter", `--net=${namespace}`, "--", ...command] };
    using _server = await tcpServer(pod, "::", 80);
    assert.ok("seenAs" in (await tcpReach(world.host, "127.0.0.1", 8082)));
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
    await containerd.configureSecond(undefined);
    nothingLeft(world);
  });

  it("forwards a published port to the sandbox, by IPv4 and IPv6", async () => {
    world.host.ip("address", "add", "192.0.2.9/32", "dev", "lo");
    world.host.ip("address", "add", "fd99::9/128", "dev", "lo");
    await containerd.configure(conflist(world, { ipam: dualStack }));
    const id = await containerd.cri.run({ name: "served", ports: [{ host: 8081, container: 80 }] });
    const listed = world.host.run(join(containerd.binaries, "ns-net"), "ls", "--data-dir", world.dataDir, "--json");
    const [{ namespace }] = JSON.parse(listed);
    const pod = { inside: (command: readonly string[]) => ["nsenter", `--net=${namespace}`, "--", ...command] };
    using _server = await tcpServer(pod, "::", 80);
    for (const to of ["127.0.0.1", "192.0.2.9", "fd99::9"]) {
      assert.ok("seenAs" in (await tcpReach(world.host, to, 8081)), to);
    }
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
    await containerd.configure(conflist(world));
    nothingLeft(world);
  });

  it("starts no sandbox without a plugin named loopback, and says so", async () => {
    await containerd.configure(conflist(world), "nowhere");
    await assert.rejects(containerd.cri.run({ name: "mute" }), /failed to find plugin "loopback" in path/);
    await containerd.configure(conflist(world));
    // It could not delete the other network, either. kubelet removes the sandbox as soon as the plugin is installed.
    for (const id of await containerd.cri.list()) {
      await containerd.cri.stop(id);
      await containerd.cri.remove(id);
    }
    nothingLeft(world);
  });

  it("limits a sandbox's traffic by its annotations", async () => {
    const annotations = { "kubernetes.io/ingress-bandwidth": "8M", "kubernetes.io/egress-bandwidth": "4M" };
    const id = await containerd.cri.run({ name: "slow", annotations });
    assert.match(world.host.run("tc", "qdisc", "show"), /tbf .*rate 8Mbit/);
    assert.match(world.host.run("tc", "qdisc", "show"), /tbf .*rate 4Mbit/);
    await containerd.cri.stop(id);
    await containerd.cri.remove(id);
    nothingLeft(world);
    assert.doesNotMatch(world.host.run("tc", "qdisc", "show"), /tbf/);
  });

  it("passes our sentence on to the events of kubelet", async () => {
    await containerd.configure(conflist(world, { mtu: 42 }));
    await assert.rejects(containerd.cri.run({ name: "bad" }), /Cannot use mtu = 42.*mtu must be/s);
    await containerd.configure(conflist(world, { ipam: ranges("10.7.1.0/30") }));
    const only = await containerd.cri.run({ name: "only" });
    await assert.rejects(containerd.cri.run({ name: "late" }), /No free address in 10\.7\.1\.0\/30 of network podnet/);
    await containerd.cri.stop(only);
    await containerd.cri.remove(only);
    await containerd.configure(conflist(world));
    nothingLeft(world);
  });

  it("continues when ours replace the reference's plugins while a sandbox runs", async () => {
    const names = ["host-local", "bridge", "portmap"];
    const lead = (to: (name: string) => string) => {
      for (const name of names) {
        rmSync(join(containerd.binaries, name), { force: true });
        symlinkSync(to(name), join(containerd.binaries, name));
      }
    };
    const theirs = (name: string) => join(referencePlugins, name);
    const ipam = { type: "host-local", ranges: [[{ subnet: "10.7.5.0/24" }]] };
    const { dataDir } = world;
    const bridge = { type: "bridge", bridge: "cni5", isDefaultGateway: true, ipMasq: true, ipam, dataDir };
    const portmap = { type: "portmap", capabilities: { portMappings: true }, dataDir };
    lead(theirs);
    await containerd.configure({ cniVersion: "1.0.0", name: "live", plugins: [bridge, portmap] });
    const before = await containerd.cri.run({ name: "before", ports: [{ host: 8085, container: 80 }] });
    lead(() => "ns-net");
    const after = await containerd.cri.run({ name: "after", ports: [{ host: 8086, container: 80 }] });
    const addresses = [await containerd.cri.addresses(before), await containerd.cri.addresses(after)].flat();
    assert.deepEqual(addresses, ["10.7.5.2", "10.7.5.3"]);
    for (const id of [before, after]) {
      await containerd.cri.stop(id);
      await containerd.cri.remove(id);
    }
    assert.deepEqual(world.host.ip("link", "show", "master", "cni5"), []);
    assert.doesNotMatch(world.host.run("iptables-save"), /10\.7\.5\.|8085|8086/);
    lead(theirs);
    await containerd.configure(conflist(world));
    nothingLeft(world);
  });

  it("loses nothing when it is killed in the middle and started again", async () => {
    const kept = await containerd.cri.run({ name: "kept" });
    const [address] = await containerd.cri.addresses(kept);
    const starting = Array.from({ length: 6 }, (_, i) => containerd.cri.run({ name: `cut${i}` }).catch(() => ""));
    await Bun.sleep(60);
    await containerd.kill();
    await Promise.all(starting);
    await containerd.start();
    assert.deepEqual(await containerd.cri.addresses(kept), [address]);
    // Kubelet stops and removes the sandboxes that it finds, and creates those that it still wants.
    for (const id of await containerd.cri.list()) {
      await containerd.cri.stop(id);
      await containerd.cri.remove(id);
    }
    world.host.run(join(containerd.binaries, "ns-net"), "gc", "--data-dir", world.dataDir);
    nothingLeft(world);
  });
});
