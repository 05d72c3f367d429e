/** Files that another user may have placed: links, pipes and devices instead of a store, a folder or a namespace. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needs } from "../../support/needs.ts";
import { run } from "../../support/sandbox.ts";
import { freshWorld, ourLinks, type World } from "../../support/world.ts";

const storePath = (world: World) => join(world.dataDir, "ns-net.sqlite");

function refusedAdd(world: World): { code: number; msg: string } {
  const { code, json } = world.call("ADD", world.network(), { netns: world.netns() });
  assert.deepEqual([code, ourLinks(world.host)], [1, []]);
  return json;
}

describe("The state folder", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  it("and everything in it is created for root alone", () => {
    using world = freshWorld();
    world.must("ADD", world.network(), { netns: world.netns() });
    assert.equal(statSync(world.dataDir).mode & 0o777, 0o700);
    for (const name of readdirSync(world.dataDir)) {
      assert.equal(statSync(join(world.dataDir, name)).mode & 0o777, 0o600, name);
    }
  });

  it("that other users may write to is refused", () => {
    using world = freshWorld();
    mkdirSync(world.dataDir);
    chmodSync(world.dataDir, 0o777);
    assert.match(refusedAdd(world).msg, /others may write/);
  });

  it("that belongs to another user is refused", () => {
    using world = freshWorld();
    mkdirSync(world.dataDir);
    try {
      chownSync(world.dataDir, 1234, 1234);
    } catch {
      return; // a user namespace has no other user
    }
    assert.match(refusedAdd(world).msg, /belongs to user 1234/);
  });

  it("that is a symbolic link is refused, and nothing is created at its target", () => {
    using world = freshWorld();
    const target = join(world.dataDir, "../elsewhere");
    mkdirSync(target, { mode: 0o700 });
    symlinkSync(target, world.dataDir);
    assert.equal(refusedAdd(world).code, 5);
    assert.deepEqual(readdirSync(target), []);
  });

  it("whose store is a symbolic link is refused, and the target is unchanged", () => {
    using world = freshWorld();
    mkdirSync(world.dataDir, { mode: 0o700 });
    const target = join(world.dataDir, "../precious");
    writeFileSync(target, "");
    symlinkSync(target, storePath(world));
    assert.equal(refusedAdd(world).code, 5);
    assert.equal(statSync(target).size, 0);
  });

  for (const kind of ["FIFO", "folder", "device"] as const) {
    it(`whose store is a ${kind} is refused at once`, () => {
      using world = freshWorld();
      mkdirSync(world.dataDir, { mode: 0o700 });
      if (kind === "folder") mkdirSync(storePath(world));
      else if (kind === "FIFO") run(["mkfifo", storePath(world)]);
      else run(["mknod", storePath(world), "c", "1", "5"]);
      const startMs = performance.now();
      assert.equal(refusedAdd(world).code, 5);
      assert.ok(performance.now() - startMs < 5000, "it hung");
    });
  }
});

describe("CNI_NETNS", () => {
  before(function () {
    needs(this, "ns-net", "bridge");
  });

  for (const kind of ["FIFO", "device", "text", "folder"] as const) {
    it(`that is a ${kind} is refused at once, and DEL succeeds`, () => {
      using world = freshWorld();
      const netns = `/run/netns/odd-${process.pid}`;
      if (kind === "FIFO") run(["mkfifo", netns]);
      else if (kind === "device") run(["mknod", netns, "c", "1", "5"]);
      else if (kind === "text") writeFileSync(netns, "text");
      else mkdirSync(netns);
      const startMs = performance.now();
      try {
        assert.equal(world.call("ADD", world.network(), { netns }).json.code, 8);
        world.must("DEL", world.network(), { netns });
      } finally {
        run(["rm", "-rf", netns]);
      }
      assert.ok(performance.now() - startMs < 5000, "it hung");
    });
  }
});
