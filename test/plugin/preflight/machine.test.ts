/** A machine that refuses: no rights, no space, no valid store. Nothing is changed afterwards. */
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { type Answer, nsNet } from "../../support/plugin.ts";
import { needsSandbox, run } from "../../support/sandbox.ts";
import { skip } from "../../support/skip.ts";
import { withoutAgent } from "../../support/throughAgent.ts";
import { freshWorld } from "../../support/world.ts";

import { assertRefused } from "../refused.ts";

describe("ADD refused by the machine:", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  /** Mounts over the folder of the store during a test. */
  function mounted(options: string, fill?: (folder: string) => void): { folder: string } & Disposable {
    const folder = mkdtempSync(join(tmpdir(), "ns-net-state-"));
    run(["mount", "-t", "tmpfs", "-o", `${options},mode=700`, "tmpfs", folder]);
    fill?.(folder);
    return {
      folder,
      [Symbol.dispose]() {
        run(["umount", "-l", folder]);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  }

  function refusedWith(folder: string, says: RegExp): void {
    using world = freshWorld();
    const netns = world.netns();
    const config = world.network({ ipMasq: true, dataDir: folder });
    const before = world.snapshot(netns);
    assertRefused(world.call("ADD", config, { netns }), 5, says);
    assert.deepEqual(world.snapshot(netns), before);
    if (!/full/.test(says.source)) assertRefused(world.call("STATUS", config), 50, says);
  }

  it("a state folder that is read-only", () => {
    using place = mounted("ro,size=64k");
    refusedWith(join(place.folder, "data"), /may not be written/);
  });

  it("a store on a file system that became read-only", function () {
    withoutAgent(this, "the store stays open, so its file system cannot become read-only");
    using place = mounted("size=4m");
    const dataDir = join(place.folder, "data");
    using world = freshWorld();
    world.must("ADD", world.network({ dataDir }), { netns: world.netns(), container: "first" });
    run(["mount", "-o", "remount,ro", place.folder]);
    refusedWith(dataDir, /may not be written/);
  });

  it("a state folder that is full", () => {
    using place = mounted("size=16k", (folder) => {
      Bun.spawnSync(["dd", "if=/dev/zero", `of=${folder}/ballast`, "bs=4k"]);
    });
    refusedWith(join(place.folder, "data"), /full/);
  });

  it("a store whose disk became full", () => {
    using place = mounted("size=1m");
    const dataDir = join(place.folder, "data");
    using world = freshWorld();
    world.must("ADD", world.network({ dataDir }), { netns: world.netns() });
    Bun.spawnSync(["dd", "if=/dev/zero", `of=${place.folder}/ballast`, "bs=1k"]);
    const netns = world.netns();
    let refused: Answer | undefined;
    // A write that fits into the log may still succeed.
    for (let i = 0; i < 200 && refused === undefined; i++) {
      const before = world.snapshot(netns);
      const answer = world.call("ADD", world.network({ dataDir }), { netns, container: `c${i}x` });
      if (answer.code === 0) {
        world.call("DEL", world.network({ dataDir }), { netns, container: `c${i}x` });
        continue;
      }
      refused = answer;
      assert.deepEqual(world.snapshot(netns), before);
    }
    assertRefused(refused!, 5, /full/);
  });

  it("a damaged store", () => {
    using place = mounted("size=1m", (folder) => writeFileSync(join(folder, "ns-net.sqlite"), "garbage ".repeat(1000)));
    refusedWith(place.folder, /not a store/);
  });

  it("an empty store", () => {
    using place = mounted("size=1m", (folder) => writeFileSync(join(folder, "ns-net.sqlite"), ""));
    refusedWith(place.folder, /store/);
  });

  it("a state folder that is a file", () => {
    using place = mounted("size=1m", (folder) => writeFileSync(join(folder, "data"), "x"));
    refusedWith(join(place.folder, "data"), /cannot be opened/);
  });

  it("no permission", function () {
    needsSandbox(this);
    withoutAgent(this, "the launcher needs the full executable beside it");
    if (run(["cat", "/proc/self/uid_map"]).trim().split(/\s+/)[2] === "1") skip(this, "there is one user only here");
    using world = freshWorld();
    const netns = world.netns();
    // Only the privilege is missing: every user can read the executable and the folder of the store.
    const folder = mkdtempSync(join(tmpdir(), "ns-net-user-"));
    try {
      chmodSync(folder, 0o777);
      copyFileSync(nsNet, join(folder, "ns-net"));
      chmodSync(join(folder, "ns-net"), 0o755);
      mkdirSync(join(folder, "data"), { mode: 0o777 });
      chmodSync(join(folder, "data"), 0o777);
      const config = world.network({ dataDir: join(folder, "data") });
      const before = world.snapshot(netns);
      const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", join(folder, "ns-net")];
      const done = Bun.spawnSync(world.host.inside(nobody), {
        env: {
          PATH: process.env.PATH!,
          CNI_COMMAND: "ADD",
          CNI_CONTAINERID: "c1",
          CNI_NETNS: netns.path,
          CNI_IFNAME: "eth0",
          CNI_PATH: "/nowhere",
        },
        stdin: Buffer.from(JSON.stringify(config)),
      });
      const stdout = done.stdout.toString();
      assertRefused({ code: done.exitCode, stdout, stderr: "", json: JSON.parse(stdout) }, 5, /EPERM|EACCES/);
      assert.match(stdout, /root/);
      assert.deepEqual(world.snapshot(netns), before);
      assert.deepEqual([...new Bun.Glob("**").scanSync({ cwd: join(folder, "data") })], []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
