/**
 * Runtimes with the launcher as their plugin and one agent on the host, as `ns-net install --agent` lays them. The agent's
 * log is the witness of what it served; killing it changes nothing for any pod.
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/daemon.ts";
import { endAgentOf, eventsOf, startUsualAgent } from "../support/throughAgent.ts";
import { freshWorld, ourLinks, type World } from "../support/world.ts";
import { conflist, heard, needsClient, nothingLeft } from "./client.ts";
import { type Containerd, freshContainerd } from "./containerd.ts";
import { freshPodman, type Podman } from "./podman.ts";

describe("An agent of a host with container runtimes", function () {
  this.timeout(120_000);
  let world: World;

  before(function () {
    needsClient(this, "containerd", "ctr");
    world = freshWorld();
  });
  after(() => world?.[Symbol.dispose]());

  const folder = (name: string) => mkdtempSync(join(tmpdir(), `ns-net-${name}-`));
  const kill = () => endAgentOf(world.host.path);
  const startAgain = (binaries: string) => startUsualAgent(world.host, join(binaries, "ns-net-full"));
  /** The verbs of a container that succeeded in the agent, in order. */
  const served = (id: string) =>
    eventsOf(world.host)
      .filter(({ what, container, exitCode }) => what === "call" && container === id && exitCode === 0)
      .map(({ verb }) => verb);
  const reaches = (address: string) => world.host.run("ping", "-c", "1", "-W", "2", address);

  describe("containerd", () => {
    let containerd: Containerd;

    before(async () => {
      containerd = await freshContainerd(world.host, folder("containerd"), true);
      await containerd.configure(conflist(world));
    });
    after(() => containerd?.[Symbol.asyncDispose]());
    beforeEach(() => startAgain(containerd.binaries));

    const end = async (...ids: readonly string[]) => {
      await Promise.all(ids.map((id) => containerd.cri.stop(id)));
      await Promise.all(ids.map((id) => containerd.cri.remove(id)));
    };

    it("serves the calls of a sandbox", async () => {
      const id = await containerd.cri.run({ name: "web" });
      assert.deepEqual(served(id).slice(-1), ["ADD"]);
      await end(id);
      assert.ok(served(id).includes("DEL"), served(id).join());
      nothingLeft(world);
    });

    it("is killed while a sandbox runs, which keeps its network and loses it when it ends", async () => {
      const id = await containerd.cri.run({ name: "web" });
      assert.ok(served(id).includes("ADD"));
      const [address] = await containerd.cri.addresses(id);
      const picture = () => [world.leases(), ourLinks(world.host), world.host.nft("list", "ruleset")];
      const before = picture();
      kill();
      reaches(address!);
      assert.deepEqual(picture(), before);
      assert.deepEqual(await containerd.cri.addresses(id), [address]);
      await end(id);
      nothingLeft(world);
    });

    it("is not needed by a sandbox that starts, and serves its end when it is back", async () => {
      kill();
      const id = await containerd.cri.run({ name: "web" });
      await startAgain(containerd.binaries);
      await end(id);
      assert.ok(served(id).includes("DEL"), served(id).join());
      nothingLeft(world);
    });

    it("is killed while sandboxes start: each has one address and one link", async () => {
      const names = Array.from({ length: 8 }, (_, i) => ({ name: `cut${i}` }));
      const starting = names.map((pod) => containerd.cri.run(pod));
      await until("the agent has served one of them", () =>
        eventsOf(world.host).some(({ what, verb }) => what === "call" && verb === "ADD"),
      );
      kill();
      const ids = await Promise.all(starting);
      const addresses = await Promise.all(ids.map((id) => containerd.cri.addresses(id)));
      assert.equal(new Set(addresses.flat()).size, ids.length, addresses.join());
      assert.equal(ourLinks(world.host).length, ids.length);
      const leased = world.leases().map((line) => line.split(" ")[1]!.replace(/\/\d+$/, ""));
      assert.deepEqual(leased.sort(), addresses.flat().sort());
      await end(...ids);
      nothingLeft(world);
    });
  });

  describe("podman", () => {
    let podman: Podman;

    before(async function () {
      needsClient(this, "podman");
      podman = await freshPodman(world.host, folder("podman"), { withAgent: true });
      podman.configure("podnet", conflist(world));
    });
    after(() => podman?.[Symbol.dispose]());
    beforeEach(() => startAgain(podman.binaries));

    it("publishes a port by the agent, which stays when the agent is killed, and goes with the container", async () => {
      const options = ["--detach", "--name", "server", "--network", "podnet", "--publish", "8094:80"];
      const id = podman.call("run", ...options, podman.image);
      assert.deepEqual(served(id).slice(-1), ["ADD"]);
      podman.call("exec", "--detach", "server", "sh", "-c", "while true; do echo hello | nc -l -p 80; done");
      assert.equal(await heard(world, "127.0.0.1", 8094), "hello");
      kill();
      assert.equal(await heard(world, "127.0.0.1", 8094), "hello");
      podman.call("rm", "--force", "--time", "0", "server");
      nothingLeft(world);
    });

    it("runs what podman network create writes, by the names of four plugins", () => {
      podman.call("network", "create", "--subnet", "10.9.0.0/24", "made");
      const id = podman.call("run", "--detach", "--name", "made", "--network", "made", "-p", "8095:80", podman.image);
      const verbs = served(id);
      assert.equal(verbs.filter((verb) => verb === "ADD").length, 4, verbs.join());
      podman.call("rm", "--force", "--time", "0", "made");
      podman.call("network", "rm", "made");
      assert.deepEqual(ourLinks(world.host), []);
    });
  });
});
