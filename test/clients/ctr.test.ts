/**
 * Containers of containerd's own tool: `ctr run --cni`. Its folders are fixed, /etc/cni/net.d and /opt/cni/bin, so this
 * test has its own over them. It sends its one DEL when the container's namespace no longer exists.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needsOwnEtc } from "../cli/place.ts";
import { until } from "../support/daemon.ts";
import { nsNet } from "../support/plugin.ts";
import { run } from "../support/sandbox.ts";
import { freshWorld, ourLinks, ranges, type World } from "../support/world.ts";
import { cgroupParent } from "./cgroups.ts";
import { conflist, heard, needsClient, nothingLeft } from "./client.ts";
import { type Containerd, freshContainerd, sandboxImage } from "./containerd.ts";
import { installInto } from "./installed.ts";

const configurations = "/etc/cni/net.d";

describe("ctr run --cni", function () {
  this.timeout(60_000);
  let world: World;
  let containerd: Containerd;

  before(async function () {
    needsClient(this, "containerd", "ctr");
    needsOwnEtc(this);
    world = freshWorld();
    containerd = await freshContainerd(world.host, mkdtempSync(join(tmpdir(), "ns-net-ctr-")));
    run(["mount", "-t", "tmpfs", "tmpfs", "/opt"]);
    mkdirSync("/opt/cni/bin", { recursive: true });
    await installInto("/opt/cni/bin", world.host);
    mkdirSync(configurations, { recursive: true });
    for (const file of readdirSync(configurations)) rmSync(join(configurations, file), { recursive: true });
  });

  beforeEach(() => configure(conflist(world)));

  after(async () => {
    await containerd?.[Symbol.asyncDispose]();
    if (containerd) run(["umount", "/opt"]);
    world?.[Symbol.dispose]();
  });

  const configure = (list: object) => writeFileSync(join(configurations, "10-test.conflist"), JSON.stringify(list));

  /** The options, then the container's name and its command. */
  const start = (options: readonly string[], name: string, ...command: string[]) => {
    const fixed = ["--cni", "--snapshotter", "native", "--cgroup", `/${cgroupParent}/${name}`];
    return containerd.ctr("run", ...fixed, ...options, sandboxImage, name, ...command);
  };

  it("gives the container an address while it runs, and nothing is left after it", () => {
    const said = start(["--rm"], "short", "/bin/ip", "-4", "address", "show", "eth0");
    assert.match(said, /inet 10\.7\.0\.2\/24/);
    nothingLeft(world);
    assert.doesNotMatch(world.host.run("iptables-save"), /10\.7\./);
  });

  it("makes it reachable from the host", async () => {
    start(["--detach"], "server", "/bin/sh", "-c", "echo hello | nc -l -p 80");
    const [, address] = world.leases()[0]!.split(/ |\//).slice(1);
    assert.equal(await heard(world, address!, 80), "hello");
  });

  it("leaves to gc what ctr forgets to delete: a detached container", async () => {
    // ctr sends no DEL for it, with any plugin.
    assert.equal(world.leases().length, 1);
    await until("the container has ended", () => / STOPPED/.test(containerd.ctr("tasks", "ls")));
    containerd.ctr("tasks", "delete", "server");
    containerd.ctr("containers", "delete", "server");
    await until("its link is gone", () => ourLinks(world.host).length === 0);
    assert.equal(world.leases().length, 1);
    world.host.run(nsNet, "gc", "--data-dir", world.dataDir);
    nothingLeft(world);
  });

  it("shows our sentence: for a full pool, for an invalid key", () => {
    configure(conflist(world, { ipam: { type: "host-local", ranges: [[{ subnet: "10.7.9.0/30" }]] } }));
    start(["--detach"], "only", "/bin/sleep", "60");
    assert.throws(
      () => start(["--rm"], "late", "/bin/true"),
      /No free address in 10\.7\.9\.0\/30 of network podnet: 1 of 1 in use/,
    );
    containerd.ctr("tasks", "delete", "--force", "only");
    containerd.ctr("containers", "delete", "only");
    configure(conflist(world, { ipam: ranges("10.7.0.0/24"), mtu: 42 }));
    assert.throws(() => start(["--rm"], "bad", "/bin/true"), /Cannot use mtu = 42/);
  });
});
