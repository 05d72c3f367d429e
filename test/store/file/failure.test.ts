/**
 * A store that cannot be used: each case is one Fault with code 5, the file's name and a cure, and never another error.
 */

import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../../conf/fault.ts";
import { openExistingStore, openStore } from "../../../store/index.ts";
import type { Store } from "../../../store/store.ts";
import { freshFolder } from "../../ipam/storeWorld.ts";
import { skip } from "../../support/skip.ts";
import { addOnce } from "../adder.ts";

function refuses(work: () => unknown, path: string, words: RegExp): void {
  assert.throws(work, (fault: unknown) => {
    assert.ok(fault instanceof Fault, `expected a Fault, found ${fault}`);
    assert.equal(fault.code, 5);
    assert.ok(fault.message.includes(path), fault.message);
    assert.match(fault.message, words);
    assert.notEqual(fault.cure(), "");
    return true;
  });
}

describe("a store that cannot be used", () => {
  const contents: [string, string | Buffer][] = [
    ["garbage", "this is not a database, and it is longer than a header of SQLite is: ".repeat(20)],
    ["an empty file", ""],
    ["a short file", "SQLite"],
    ["zeros", Buffer.alloc(8192)],
  ];
  for (const [name, content] of contents) {
    it(`is ${name}: it is left unchanged`, () => {
      using folder = freshFolder();
      const path = join(folder.path, "ns-net.sqlite");
      writeFileSync(path, content);
      refuses(() => openStore(folder.path), path, /not a store of ns-net/);
      refuses(() => openExistingStore(folder.path), path, /not a store of ns-net/);
      assert.deepEqual(readFileSync(path), Buffer.from(content));
    });
  }

  it("is a database of another program", () => {
    using folder = freshFolder();
    const path = join(folder.path, "ns-net.sqlite");
    new Database(path).run("CREATE TABLE song (title)");
    refuses(() => openStore(folder.path), path, /not a store of ns-net/);
  });

  it("was written by a newer version", () => {
    using folder = freshFolder();
    openStore(folder.path).close();
    const path = join(folder.path, "ns-net.sqlite");
    new Database(path).run("PRAGMA user_version = 99");
    refuses(() => openStore(folder.path), path, /newer ns-net wrote it \(schema 99/);
  });

  it("is damaged in the middle", () => {
    using folder = freshFolder();
    const path = join(folder.path, "ns-net.sqlite");
    using store = openStore(folder.path);
    for (let i = 0; i < 50; i++) addOnce(store, `c${i}`);
    store.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 1024));
    refuses(() => use(openStore(folder.path)), path, /damaged/);
  });

  it("is a symbolic link, or a folder", () => {
    using folder = freshFolder();
    const path = join(folder.path, "ns-net.sqlite");
    symlinkSync("/etc/hostname", path);
    refuses(() => openStore(folder.path), path, /symbolic link|cannot be opened/);
    const other = join(folder.path, "other");
    mkdirSync(join(other, "ns-net.sqlite"), { recursive: true });
    refuses(() => openStore(other), other, /cannot be opened/);
  });

  it("should be in a folder that is a file", () => {
    using folder = freshFolder();
    const file = join(folder.path, "file");
    writeFileSync(file, "");
    refuses(() => openStore(join(file, "data")), file, /cannot be opened/);
  });
});

/** Each in its own mount namespace, which may have a small or read-only file system. */
describe("a file system that cannot be written", () => {
  const canMount = spawnSync("unshare", ["-m", "true"]).status === 0;
  before(function () {
    if (!canMount) skip(this, "no mount namespace can be made; root is needed");
  });

  it("is read-only, with a store on it and without", () => {
    using folder = freshFolder();
    openStore(folder.path).close();
    const mount = `mount --bind ${folder.path} ${folder.path} && mount -o remount,bind,ro ${folder.path}`;
    assert.match(inside(mount, folder.path), /^5 .*may not be written.* \| .*writable/);
    assert.match(inside(mount, join(folder.path, "new")), /^5 .*may not be written.* \| .*writable/);
  });

  it("is full", () => {
    using folder = freshFolder();
    const full = `mount -t tmpfs -o size=16k,mode=700 tmpfs ${folder.path}`;
    assert.match(inside(full, folder.path), /^5 .*the disk is full.* \| Free space/);
  });

  it("gets full: the ADD that fails reserves nothing, and the store is intact", () => {
    using folder = freshFolder();
    const small = `mount -t tmpfs -o size=256k,mode=700 tmpfs ${folder.path}`;
    const out = inside(small, folder.path, "500");
    assert.match(out, /^5 .*the disk is full.* \| Free space.*\n(\d+) entries, \1 leases, ok/);
  });

  /** `code sentence | cure` of what an ADD in the mounted folder throws, then the state of the store. */
  function inside(mount: string, dataDir: string, adds = "1"): string {
    const child = join(import.meta.dirname, "../adder.ts");
    const script = `${mount} && exec ${process.execPath} ${child} report ${dataDir} c ${adds}`;
    const { stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script], { encoding: "utf8" });
    return stdout + stderr;
  }
});

function use(store: Store): void {
  addOnce(store, "again");
  store.entries();
}
