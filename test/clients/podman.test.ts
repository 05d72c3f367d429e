/** Containers of podman, with a conflist of type ns-net and with those of `podman network create`. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dualStack, freshWorld, ranges, type World } from "../support/world.ts";
import { conflist, heard, needsClient, nothingLeft, publishedPorts } from "./client.ts";
import { freshPodman, type Podman } from "./podman.ts";

describe("podman with its CNI backend", function () {
  this.timeout(120_000);
  let world: World;
  let podman: Podman;

  before(async function () {
    needsClient(this, "podman");
    world = freshWorld();
    podman = await freshPodman(world.host, mkdtempSync(join(tmpdir(), "ns-net-podman-")));
    podman.configure("podnet", conflist(world, { ipam: dualStack }));
  });
  after(() => {
    podman?.[Symbol.dispose]();
    world?.[Symbol.dispose]();
  });

  const start = (name: string, ...words: string[]) =>
    podman.call("run", "--detach", "--name", name, "--network", "podnet", ...words, podman.image);
  const inspect = (name: string) =>
    JSON.parse(podman.call("inspect", name))[0].NetworkSettings.Networks.podnet as Record<string, string>;
  const stop = (...names: string[]) => podman.call("rm", "--force", "--time", "0", ...names);

  it("lists the network", () => {
    assert.match(podman.call("network", "ls"), /podnet\s/);
  });

  it("runs a container, and inspect shows the store's address", () => {
    const id = start("web");
    const { IPAddress: v4, GlobalIPv6Address: v6 } = inspect("web");
    assert.deepEqual(world.leases(), [`${id}/eth0 ${v4}/24 ${v6}/64`]);
    stop("web");
    nothingLeft(world);
  });

  it("connects two containers with each other, by IPv4 and IPv6", () => {
    start("a");
    start("b");
    const { IPAddress: v4, GlobalIPv6Address: v6 } = inspect("b");
    for (const address of [v4!, v6!]) {
      assert.match(podman.call("exec", "a", "ping", "-c", "1", "-W", "2", address), / 0% packet loss/);
    }
    stop("a", "b");
    nothingLeft(world);
  });

  it("publishes a port", async () => {
    start("server", "--publish", "8088:80");
    podman.call("exec", "--detach", "server", "sh", "-c", "echo hello | nc -l -p 80");
    assert.equal(await heard(world, "127.0.0.1", 8088), "hello");
    stop("server");
    nothingLeft(world);
  });

  it("publishes a port of a container with a requested address and hardware address", async () => {
    // As `ns-net install` writes it.
    const bin = join(podman.binaries, "../installed");
    const line = ["install", "--print", "--name", "fixed", "--bridge", "cni7", "--subnet", "10.7.7.0/24"];
    const written = JSON.parse(world.host.run(join(podman.binaries, "ns-net"), ...line, "--bin-dir", bin));
    podman.configure("fixed", {
      ...written,
      plugins: written.plugins.map((plugin: object) => ({ ...plugin, dataDir: world.dataDir })),
    });
    const own = ["--network", "fixed", "--ip", "10.7.7.50", "--mac-address", "02:11:22:33:44:55"];
    podman.call("run", "--detach", "--name", "fixed", ...own, "--publish", "18081:80", podman.image);
    podman.call("exec", "--detach", "fixed", "sh", "-c", "echo hello | nc -l -p 80");
    assert.equal(await heard(world, "127.0.0.1", 18081), "hello");
    assert.match(
      podman.call("exec", "fixed", "ip", "address", "show", "eth0"),
      /02:11:22:33:44:55[\s\S]*10\.7\.7\.50\/24/,
    );
    stop("fixed");
    nothingLeft(world);
  });

  it("publishes a port of a container on two networks, by the second after the first is removed", async () => {
    podman.configure("second", conflist(world, { bridge: "cni3", ipam: ranges("10.7.3.0/24") }, "second"));
    const networks = ["--network", "podnet,second", "--publish", "8093:80"];
    podman.call("run", "--detach", "--name", "both", ...networks, podman.image);
    assert.equal(publishedPorts(world).length, 1);
    podman.call("exec", "--detach", "both", "sh", "-c", "while true; do echo hello | nc -l -p 80; done");
    assert.equal(await heard(world, "127.0.0.1", 8093), "hello");
    assert.throws(() => start("other", "--publish", "8093:80"), /Cannot publish port 8093\/tcp: \S+ of container/);
    podman.call("network", "disconnect", "podnet", "both");
    assert.match(publishedPorts(world).join(), /tcp \. 8093 .*: 10\.7\.3\.\d+ \. 80/);
    assert.equal(await heard(world, "127.0.0.1", 8093), "hello");
    stop("both", "other");
    nothingLeft(world);
  });

  it("names the holder of a port", () => {
    start("first", "--publish", "8089:80");
    assert.throws(
      () => start("second", "--publish", "8089:80"),
      /Cannot publish port 8089\/tcp: eth0 of container \S+ on network podnet has it since/,
    );
    stop("first", "second");
    nothingLeft(world);
  });

  it("reports a full pool", () => {
    podman.configure("small", conflist(world, { bridge: "cni1", ipam: ranges("10.7.9.0/30") }, "small"));
    const run = (name: string) => podman.call("run", "--detach", "--name", name, "--network", "small", podman.image);
    run("only");
    assert.throws(() => run("late"), /No free address in 10\.7\.9\.0\/30 of network small: 1 of 1 in use/);
    stop("only", "late");
    nothingLeft(world);
  });

  it("keeps two networks on one container apart", () => {
    podman.configure("other", conflist(world, { bridge: "cni2", ipMasq: false, ipam: ranges("10.7.2.0/24") }, "other"));
    podman.call("run", "--detach", "--name", "two", "--network", "podnet,other", podman.image);
    const { podnet, other } = JSON.parse(podman.call("inspect", "two"))[0].NetworkSettings.Networks;
    const seen = podman.call("exec", "two", "ip", "-o", "-4", "address");
    for (const { IPAddress } of [podnet, other]) assert.match(seen, new RegExp(`eth[01] +inet ${IPAddress}/24`));
    assert.equal(world.leases().length, 2);
    stop("two");
    nothingLeft(world);
  });

  it("reaches neighbours on an internal network, and nothing outside", () => {
    podman.call("network", "create", "--internal", "--subnet", "10.9.1.0/24", "inside");
    const run = (name: string) => podman.call("run", "--detach", "--name", name, "--network", "inside", podman.image);
    for (const name of ["in1", "in2"]) run(name);
    const { IPAddress } = JSON.parse(podman.call("inspect", "in2"))[0].NetworkSettings.Networks.inside;
    assert.match(podman.call("exec", "in1", "ping", "-c", "1", "-W", "2", IPAddress), / 0% packet loss/);
    assert.doesNotMatch(podman.call("exec", "in1", "ip", "route"), /default/);
    assert.doesNotMatch(world.host.nft("list", "ruleset"), /10\.9\.1\..*masquerade/);
    stop("in1", "in2");
    podman.call("network", "rm", "inside");
  });

  it("publishes a port by IPv6", async () => {
    world.host.ip("address", "add", "fd99::1/128", "dev", "lo");
    start("six", "--publish", "[fd99::1]:8092:80");
    podman.call("exec", "--detach", "six", "sh", "-c", "echo hello | nc -l -p 80");
    assert.equal(await heard(world, "fd99::1", 8092), "hello");
    stop("six");
    nothingLeft(world);
  });

  it("keeps address and port after a network reload, and a restart leaves nothing", async () => {
    start("kept", "--publish", "8090:80");
    const before = inspect("kept");
    podman.call("network", "reload", "kept");
    assert.equal(inspect("kept")["IPAddress"], before["IPAddress"]);
    // A reload requests the same address: podman 4.3 then gives the plugin no ports unless it declares `ips`.
    assert.equal(publishedPorts(world).length, 1);
    podman.call("exec", "--detach", "kept", "sh", "-c", "echo hello | nc -l -p 80");
    assert.equal(await heard(world, "127.0.0.1", 8090), "hello");
    podman.call("restart", "--time", "0", "kept");
    assert.equal(publishedPorts(world).length, 1);
    assert.equal(world.leases().length, 1);
    stop("kept");
    nothingLeft(world);
  });

  it("runs what podman network create writes: bridge, portmap, firewall and tuning, all of them ns-net", () => {
    podman.call("network", "create", "--subnet", "10.9.0.0/24", "made");
    const id = podman.call("run", "--detach", "--name", "made", "--network", "made", "-p", "8091:80", podman.image);
    const shown = JSON.parse(podman.call("inspect", "made"))[0].NetworkSettings.Networks.made;
    assert.match(shown.IPAddress, /^10\.9\.0\.\d+$/);
    assert.equal(id.length, 64);
    podman.call("network", "reload", "made");
    stop("made");
    podman.call("network", "rm", "made");
    assert.deepEqual(world.host.ip("link", "show", "type", "veth"), []);
  });
});
