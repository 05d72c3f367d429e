/** Containers as a person starts them: podman, by a conflist of type ns-net and by what `podman network create` writes. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dualStack, freshWorld, type World } from "../support/world.ts";
import { conflist, needsClient, nothingLeft, publishedPorts } from "./client.ts";
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

  it("runs a container, and inspect shows what the store says", () => {
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

  it("publishes a port", () => {
    start("server", "--publish", "8088:80");
    podman.call("exec", "--detach", "server", "sh", "-c", "echo hello | nc -l -p 80");
    const heard = world.host.run("bash", "-c", "sleep 0.3; exec 3<>/dev/tcp/127.0.0.1/8088; head -c 5 <&3");
    assert.equal(heard, "hello");
    stop("server");
    nothingLeft(world);
  });

  it("tells its user who has a port", () => {
    start("first", "--publish", "8089:80");
    assert.throws(() => start("second", "--publish", "8089:80"), /8089/);
    stop("first", "second");
    nothingLeft(world);
  });

  it("keeps the address over network reload, and nothing is left by a restart", () => {
    start("kept", "--publish", "8090:80");
    const before = inspect("kept");
    podman.call("network", "reload", "kept");
    assert.equal(inspect("kept")["IPAddress"], before["IPAddress"]);
    // podman 4.3 leaves the port mappings out of the second ADD, whatever the plugin: they come back with a restart.
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
