/** The log: a line for each call if configured, without the configuration, and never failing the call. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { run } from "../support/sandbox.ts";
import { freshWorld, ranges } from "../support/world.ts";

// biome-ignore lint/suspicious/noExplicitAny: lines differ by verb; assertions say what is expected.
const linesOf = (path: string): any[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("The log", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("has a line for each call with its attachment, verb and outcome", () => {
    using world = freshWorld();
    const netns = world.netns();
    const log = join(world.dataDir, "../calls.log");
    const config = world.network({ log, args: { secret: "hush" } });
    const args = "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0;TOKEN=hush";
    const result = world.must("ADD", config, { netns, args });
    assert.equal(world.call("ADD", config, { netns, args }).code, 1);
    world.must("DEL", config, { args });
    const [added, refused, deleted] = linesOf(log);
    const who = { network: "podnet", container: "c1", interface: "eth0", pod: "default/web-0" };
    for (const line of [added, refused, deleted]) {
      const { network, container, interface: ifname, pod } = line;
      assert.deepEqual({ network, container, interface: ifname, pod }, who);
      assert.ok(line.ms > 0 && line.ms < 10_000 && Date.parse(line.time) > 0);
    }
    assert.deepEqual([added.verb, refused.verb, deleted.verb], ["ADD", "ADD", "DEL"]);
    assert.deepEqual(added.result, result);
    assert.ok(added.steps.includes("veth"));
    assert.equal(refused.error.code, 4);
    assert.doesNotMatch(readFileSync(log, "utf8"), /hush/);
    assert.equal(statSync(log).mode & 0o777, 0o600);
  });

  it("has the steps of an ADD that failed while it changed the kernel", () => {
    using world = freshWorld();
    const log = join(world.dataDir, "../calls.log");
    const ipam = { ...ranges("10.7.0.0/24"), routes: [{ dst: "10.99.0.0/16", gw: "192.0.2.1" }] };
    const config = world.network({ log, ipam }); // the kernel knows no way to that gateway
    const { code } = world.call("ADD", config, { netns: world.netns() });
    const [line] = linesOf(log);
    assert.equal(code, 1);
    assert.ok(line.error.msg.length > 0);
    assert.ok(line.steps.includes("veth"), JSON.stringify(line));
  });

  it("is also written with NSNET_LOG, and not otherwise", () => {
    using world = freshWorld();
    const log = join(world.dataDir, "../calls.log");
    mkdirSync(world.dataDir, { recursive: true });
    world.must("ADD", world.network(), { netns: world.netns() });
    assert.ok(!existsSync(log));
    world.must("DEL", world.network(), { environment: { NSNET_LOG: log } });
    assert.equal(linesOf(log).length, 1);
  });

  for (const kind of ["symbolic link", "FIFO", "folder"] as const) {
    it(`into a ${kind} is refused, and the call succeeds all the same`, () => {
      using world = freshWorld();
      mkdirSync(world.dataDir, { recursive: true });
      const [log, target] = [join(world.dataDir, "../calls.log"), join(world.dataDir, "../target")];
      writeFileSync(target, "");
      if (kind === "symbolic link") symlinkSync(target, log);
      else if (kind === "FIFO") run(["mkfifo", log]);
      else mkdirSync(log);
      const { code, stderr } = world.call("ADD", world.network({ log }), { netns: world.netns() });
      assert.equal(code, 0);
      assert.match(stderr, /cannot write the log/);
      assert.equal(readFileSync(target, "utf8"), "");
    });
  }
});
