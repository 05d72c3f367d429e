/** SIGTERM in the middle of an ADD: ADD undoes everything and fails. A DEL finishes. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../support/needs.ts";
import { startPlugin } from "../support/plugin.ts";
import { links } from "../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../support/world.ts";

/** An IPAM plugin in a folder of its own. `script` sees CNI's environment and ends by answering. */
function ipamPlugin(world: World, script: string): string {
  const folder = join(world.dataDir, "../plugins");
  mkdirSync(folder);
  const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24", gateway: "10.7.0.1" }] });
  writeFileSync(
    join(folder, "teller"),
    `#!/bin/sh\necho "$CNI_COMMAND" >> ${folder}/calls\n[ "$CNI_COMMAND" = ADD ] || exit 0\n${script}\necho '${answer}'\n`,
  );
  chmodSync(join(folder, "teller"), 0o755);
  return folder;
}

describe("SIGTERM", () => {
  before(function () {
    needs(this, "ns-net", "bridge", "nft nat");
  });

  for (const signal of ["TERM", "INT"] as const) {
    it(`SIG${signal} while an IPAM plugin runs: code 11, nothing left, the address freed`, async () => {
      using world = freshWorld();
      const netns = world.netns();
      // The plugin's parent is ns-net itself: it gets the signal while it waits for the answer.
      const pluginPath = ipamPlugin(world, `kill -${signal} $PPID`);
      const config = world.network({ ipMasq: true, ipam: { type: "teller" } });
      const { code, json } = world.call("ADD", config, { netns, pluginPath });
      assert.deepEqual([code, json.code], [1, 11]);
      assert.match(json.msg, new RegExp(`SIG${signal}`));
      assert.deepEqual([ourLinks(world.host), [...links(netns).keys()], world.rows()], [[], ["lo"], []]);
      const calls = await Bun.file(join(pluginPath, "calls")).text();
      assert.equal(calls.trim().split("\n").at(-1), "DEL");
    });
  }

  it("is passed on to the IPAM plugin, which is killed if it does not end", async () => {
    using world = freshWorld();
    const started = join(world.dataDir, "../started");
    const pluginPath = ipamPlugin(world, `trap : TERM\n: > ${started}; while :; do /bin/sleep 0.05; done`);
    const config = world.network({ ipam: { type: "teller" } });
    const running = startPlugin({ command: "ADD", host: world.host, config, netns: world.netns(), pluginPath });
    while (!existsSync(started)) await Bun.sleep(5);
    running.kill("SIGTERM");
    const { code, json } = await running.answer;
    assert.deepEqual([code, json.code], [1, 11]);
    assert.match(json.msg, /Interrupted by SIGTERM/);
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });

  it("at any moment leaves all or nothing, and the exit code says which", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ ipMasq: true });
    world.must("ADD", config, { netns: world.netns(), container: "other" });
    const outcomes = new Map<string, number>();
    // In small steps, each at a random moment of it, and once too late: the time of an ADD depends on the machine's load.
    for (const delayMs of [...Array.from({ length: 30 }, (_, i) => i + Math.random()), "all"] as const) {
      const running = startPlugin({ command: "ADD", host: world.host, config, netns, container: "c1" });
      if (delayMs === "all") await running.answer;
      // A busy loop, because a timer is not exact enough to hit every stage.
      else for (const endMs = performance.now() + delayMs; performance.now() < endMs; );
      running.kill("SIGTERM");
      const { code, json } = await running.answer;
      const isAttached = links(netns).has("eth0");
      const isLeased = world.rows().some(({ container }) => container === "c1");
      const where = `after ${delayMs} ms: exit ${code}, ${JSON.stringify(json)}`;
      if (code === 0) assert.deepEqual([isAttached, isLeased], [true, true], where);
      else assert.deepEqual([isAttached, isLeased, ourLinks(world.host).length], [false, false, 1], where);
      outcomes.set(code === 0 ? "attached" : "undone", 1);
      world.must("DEL", config, { netns, container: "c1" });
    }
    assert.deepEqual([...outcomes.keys()].sort(), ["attached", "undone"]);
  });

  it("SIGKILL at any moment leaves only what DEL removes, and ADD succeeds afterwards", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ ipMasq: true });
    for (let delayMs = 0; delayMs < 24; delayMs += 1) {
      const running = startPlugin({ command: "ADD", host: world.host, config, netns, container: "c1" });
      const endMs = performance.now() + delayMs;
      while (performance.now() < endMs);
      running.kill("SIGKILL");
      await running.answer;
      world.must("DEL", config, { netns, container: "c1" });
      assert.deepEqual([ourLinks(world.host), world.rows()], [[], []], `after ${delayMs} ms`);
    }
    world.must("ADD", config, { netns, container: "c1" });
  });

  it("during a DEL lets it finish", async () => {
    using world = freshWorld();
    const netns = world.netns();
    const folder = join(world.dataDir, "../plugins");
    mkdirSync(folder);
    const answer = JSON.stringify({ cniVersion: "1.1.0", ips: [{ address: "10.7.0.50/24", gateway: "10.7.0.1" }] });
    writeFileSync(
      join(folder, "teller"),
      `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && echo '${answer}' && exit 0\n` +
        `[ -e ${folder}/armed ] && kill -TERM $PPID && : > ${folder}/done\nexit 0\n`,
    );
    chmodSync(join(folder, "teller"), 0o755);
    const config = world.network({ ipam: { type: "teller" } });
    world.must("ADD", config, { netns, pluginPath: folder });
    writeFileSync(join(folder, "armed"), "");
    world.must("DEL", config, { netns, pluginPath: folder });
    assert.ok(existsSync(join(folder, "done")), "the signal was not sent");
    assert.deepEqual([ourLinks(world.host), world.rows()], [[], []]);
  });
});
