/** The store: what is written when, what survives, and what a person can read in it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { parseAddress } from "../../ip/address.ts";
import type { Grant } from "../../store/entry.ts";
import { createStore } from "../../store/file/create.ts";
import { storePathOf } from "../../store/file/path.ts";
import { openExistingStore, openStore } from "../../store/index.ts";
import { addressKey } from "../../store/keys.ts";
import { attachmentOf, entryOf, freshFolder, freshStore } from "../ipam/storeWorld.ts";
import { skip } from "../support/skip.ts";

function granted(text: string): Grant {
  return { addresses: [{ address: `${text}/24`, gateway: "10.1.0.1" }], reserved: [parseAddress(text)!] };
}

describe("openStore()", () => {
  it("creates folder and files for their owner alone", () => {
    using folder = freshFolder();
    const dataDir = join(folder.path, "a", "b");
    using store = openStore(dataDir);
    store.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
    assert.equal(statSync(dataDir).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(dataDir).sort(), ["ns-net.sqlite", "ns-net.sqlite-shm", "ns-net.sqlite-wal"]);
    for (const name of readdirSync(dataDir)) assert.equal(statSync(join(dataDir, name)).mode & 0o777, 0o600, name);
  });
});

describe("openStore(), of several processes that create it at the same time", () => {
  it("uses the store that another created, also if its own creation fails", () => {
    using folder = freshFolder();
    const dataDir = join(folder.path, "state");
    using ours = openStore(dataDir, undefined, () => {
      using theirs = openStore(dataDir);
      theirs.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
      throw new Error("the list changed during every attempt");
    });
    assert.equal(ours.entries().length, 1);
    assert.deepEqual(readdirSync(dataDir).sort(), ["ns-net.sqlite", "ns-net.sqlite-shm", "ns-net.sqlite-wal"]);
  });

  it("reports why it cannot be created if no other process created it", () => {
    using folder = freshFolder();
    const dataDir = join(folder.path, "state");
    assert.throws(
      () =>
        openStore(dataDir, undefined, () => {
          throw new Error("the list changed during every attempt");
        }),
      /the list changed/,
    );
    assert.deepEqual(readdirSync(dataDir), []);
  });
});

describe("createStore()", () => {
  it("keeps a store that another process created meanwhile", () => {
    using s = freshStore();
    s.store.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
    const inode = statSync(storePathOf(s.dataDir)).ino;
    createStore(s.dataDir, storePathOf(s.dataDir));
    assert.equal(statSync(storePathOf(s.dataDir)).ino, inode);
    using other = openStore(s.dataDir);
    assert.equal(other.entries().length, 1);
    assert.deepEqual(readdirSync(s.dataDir).sort(), ["ns-net.sqlite", "ns-net.sqlite-shm", "ns-net.sqlite-wal"]);
  });
});

describe("openExistingStore()", () => {
  it("finds none and creates none", () => {
    using folder = freshFolder();
    const dataDir = join(folder.path, "absent");
    assert.equal(openExistingStore(dataDir), undefined);
    assert.equal(existsSync(dataDir), false);
  });
});

describe("Store", () => {
  it("answers the entry unchanged, numbers of 64 bits included", () => {
    using s = freshStore();
    const labels = { podName: "web-0", podNamespace: "default", aliases: ["web", "www"] };
    const entry = entryOf(attachmentOf("a"), { netnsInode: 2n ** 64n - 1n, ...labels });
    const { entry: written } = s.store.begin(entry, () => granted("10.1.0.2"));
    const { createdMs, ...rest } = s.store.find(entry.attachment)!;
    const unset = { mac: undefined, steps: undefined, delegated: undefined, goneMs: undefined, hasChained: undefined };
    assert.deepEqual(rest, { ...entry, ...unset, state: "adding", addresses: granted("10.1.0.2").addresses });
    assert.equal(createdMs, written.createdMs);
    assert.ok(Math.abs(Date.now() - createdMs) < 10_000);
  });

  it("goes from adding to attached to deleting to nothing", () => {
    using s = freshStore();
    const { store } = s;
    const attachment = attachmentOf("a");
    store.begin(entryOf(attachment), () => granted("10.1.0.2"));
    store.attached(attachment, { mac: "02:00:00:00:00:01" });
    assert.deepEqual([store.find(attachment)?.state, store.find(attachment)?.mac], ["attached", "02:00:00:00:00:01"]);
    assert.equal(store.deleting(attachment)?.state, "attached", "the state before");
    assert.equal(store.find(attachment)?.state, "deleting");
    assert.equal(store.remove(attachment), true);
    assert.equal(store.find(attachment), undefined);
    assert.equal(store.remove(attachment), false);
    assert.equal(store.deleting(attachment), undefined);
    assert.equal(store.holder("podnet", parseAddress("10.1.0.2")!), undefined);
  });

  it("distinguishes two interfaces of one container, and one name on two networks", () => {
    using s = freshStore();
    const keys = [attachmentOf("a"), attachmentOf("a", "podnet", "net1"), attachmentOf("a", "other")];
    for (const [i, key] of keys.entries()) s.store.begin(entryOf(key), () => granted(`10.1.0.${i + 2}`));
    s.store.remove(keys[0]!);
    assert.deepEqual(
      s.store.entries().map(({ attachment }) => attachment),
      keys.slice(1),
    );
    assert.deepEqual(s.store.entries("other").length, 1);
  });

  it("names the holder of an address", () => {
    using s = freshStore();
    s.store.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
    assert.equal(s.store.holder("podnet", parseAddress("10.1.0.2")!)?.attachment.container, "a");
    assert.equal(s.store.holder("other", parseAddress("10.1.0.2")!), undefined);
  });

  it("writes nothing when the grant fails", () => {
    using s = freshStore();
    const failing = () => {
      throw new Error("no");
    };
    assert.throws(() => s.store.begin(entryOf(attachmentOf("a")), failing), /no/);
    assert.deepEqual(s.store.entries(), []);
    s.store.begin(entryOf(attachmentOf("b")), () => granted("10.1.0.2"));
  });

  it("refuses the same address for two by a key of the database", () => {
    using s = freshStore();
    s.store.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
    assert.throws(() => s.store.begin(entryOf(attachmentOf("b")), () => granted("10.1.0.2")));
    assert.equal(s.store.find(attachmentOf("b")), undefined);
  });

  it("gives an entry to the next ADD, unless that ADD may not take it over", () => {
    using s = freshStore();
    const attachment = attachmentOf("a");
    const first = entryOf(attachment, { pid: 100 });
    s.store.begin(first, () => granted("10.1.0.2"));
    assert.equal(s.store.begin({ ...first, pid: 200 }, () => "keep").made, false);
    assert.equal(s.store.find(attachment)?.pid, 200);
    assert.equal(s.store.attached(attachment, {}), false, "it is process 200's");
    s.store.begin({ ...first, pid: process.pid }, () => "keep");
    assert.equal(s.store.attached(attachment, {}), true);
    const refuse = () => {
      throw new Error("it lives");
    };
    assert.throws(() => s.store.begin({ ...first, pid: 300 }, refuse), /it lives/);
    assert.deepEqual([s.store.find(attachment)?.pid, s.store.find(attachment)?.state], [process.pid, "attached"]);
    s.store.begin({ ...first, pid: 400, bootId: "next" }, () => "keep");
    assert.deepEqual([s.store.find(attachment)?.pid, s.store.find(attachment)?.state], [400, "adding"]);
  });

  it("can be read, and a row deleted, with the sqlite3 command", function () {
    if (spawnSync("sqlite3", ["--version"]).error) skip(this, "no sqlite3 command; apt-get install sqlite3");
    using s = freshStore();
    s.store.begin(entryOf(attachmentOf("a")), () => granted("10.1.0.2"));
    const sqlite3 = (sql: string) =>
      spawnSync("sqlite3", [join(s.dataDir, "ns-net.sqlite"), sql], { encoding: "utf8" }).stdout.trim();
    assert.equal(
      sqlite3("SELECT container, state, addresses FROM attachment"),
      'a|adding|[{"address":"10.1.0.2/24","gateway":"10.1.0.1"}]',
    );
    assert.equal(sqlite3("SELECT address_key, address FROM lease"), "40a010002|10.1.0.2");
    sqlite3("DELETE FROM attachment");
    assert.equal(sqlite3("SELECT count(*) FROM lease"), "0", "the address is free again");
    assert.equal(sqlite3("PRAGMA integrity_check"), "ok");
  });
});

describe("addressKey()", () => {
  it("sorts as addresses do", () => {
    const anyAddress = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => ({ family: 4 as const, value })),
      fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ({ family: 6 as const, value })),
    );
    fc.assert(
      fc.property(anyAddress, anyAddress, (a, b) => {
        const less = a.family === b.family ? a.value < b.value : a.family < b.family;
        assert.equal(addressKey(a) < addressKey(b), less);
      }),
    );
  });
});
