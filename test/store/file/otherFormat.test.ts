/** A file of another format than this version's: one of the first format, one that is to be migrated. Witness: SQLite. */
import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAddress } from "../../../ip/address.ts";
import { StoreDamaged } from "../../../store/file/damaged.ts";
import { migrate } from "../../../store/file/migrate.ts";
import { migrations } from "../../../store/file/migrations.ts";
import { applicationId, schemaVersion } from "../../../store/file/version.ts";
import { openExistingStore, openStore } from "../../../store/index.ts";
import type { Store } from "../../../store/store.ts";
import { attachmentOf, entryOf, freshFolder } from "../../ipam/storeWorld.ts";
import { fileIn, writeFirstFormat } from "./firstFormat.ts";

function asked(path: string, sql: string): unknown[] {
  using database = new Database(path);
  return database
    .prepare(sql)
    .values()
    .map(([value]) => value);
}

const fill = (draft: Store) => {
  const addresses = [{ address: "10.7.0.9/24" }];
  draft.begin(entryOf(attachmentOf("seen")), () => ({ addresses, reserved: [parseAddress("10.7.0.9")!] }));
  draft.attached(attachmentOf("seen"), {});
};

const asideIn = (folder: string) => readdirSync(folder).filter((name) => name.includes(".old-"));

describe("a store of the first format", () => {
  for (const version of [1, 7, 99]) {
    it(`of schema ${version} is kept aside, and the new one has what was found in the kernel`, () => {
      using folder = freshFolder();
      writeFirstFormat(folder.path, version);
      const asides: unknown[] = [];
      using store = openStore(folder.path, undefined, (draft, aside) => {
        fill(draft);
        asides.push(aside);
      });
      const containers = () => store.entries().map(({ attachment }) => attachment.container);
      assert.deepEqual(containers(), ["seen"]);
      assert.deepEqual(store.networks(), ["podnet"]);
      const [aside] = asideIn(folder.path);
      const path = join(folder.path, aside!);
      assert.deepEqual(asides, [path]);
      assert.deepEqual(asked(path, "SELECT container FROM attachment ORDER BY id"), ["c1", "c2"]);
      assert.deepEqual(asked(path, "SELECT first_port FROM port"), [8080]);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.deepEqual(asked(fileIn(folder.path), "PRAGMA application_id"), [applicationId]);
      assert.deepEqual(asked(fileIn(folder.path), "PRAGMA user_version"), [schemaVersion]);
      assert.deepEqual(asked(fileIn(folder.path), "PRAGMA integrity_check"), ["ok"]);
      assert.deepEqual(asked(fileIn(folder.path), "SELECT address FROM lease"), ["10.7.0.9"]);
      using again = openExistingStore(folder.path);
      assert.equal(again?.entries().length, 1);
    });
  }

  it("has the tables of a new store", () => {
    using old = freshFolder();
    using fresh = freshFolder();
    writeFirstFormat(old.path);
    openExistingStore(old.path, undefined, () => {})?.close();
    openStore(fresh.path).close();
    const shape = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    assert.deepEqual(asked(fileIn(old.path), shape), asked(fileIn(fresh.path), shape));
  });

  it("is refused, with a cure, by a caller that cannot fill another one", () => {
    using folder = freshFolder();
    writeFirstFormat(folder.path);
    const isRefused = (error: unknown) => error instanceof StoreDamaged && /ns-net repair/.test(error.cure());
    assert.throws(() => openStore(folder.path), isRefused);
    assert.throws(() => openExistingStore(folder.path), isRefused);
    assert.deepEqual(asked(fileIn(folder.path), "SELECT count(*) FROM attachment"), [2]);
  });

  it("stays unchanged if filling the new one fails", () => {
    using folder = freshFolder();
    writeFirstFormat(folder.path);
    const failing = (draft: Store) => {
      fill(draft);
      throw new Error("the list changed during every attempt");
    };
    assert.throws(() => openExistingStore(folder.path, undefined, failing), /the list changed/);
    assert.deepEqual(asideIn(folder.path), []);
    assert.deepEqual(asked(fileIn(folder.path), "SELECT container FROM attachment ORDER BY id"), ["c1", "c2"]);
    assert.deepEqual(asked(fileIn(folder.path), "PRAGMA application_id"), [0]);
  });

  it("is no database of another program", () => {
    using folder = freshFolder();
    new Database(fileIn(folder.path)).run("CREATE TABLE song (title); PRAGMA user_version = 3");
    assert.throws(() => openStore(folder.path, undefined, fill), /not a store of ns-net/);
    assert.deepEqual(asked(fileIn(folder.path), "SELECT count(*) FROM song"), [0]);
  });
});

describe("migrate()", () => {
  const made = [
    ...migrations,
    "ALTER TABLE network ADD COLUMN colour TEXT",
    "UPDATE network SET colour = 'red'; CREATE TABLE shade (name TEXT) STRICT",
  ];

  function currentStore(folder: string): Database {
    const store = openStore(folder);
    const memory = { subnets: ["10.1.0.0/24"], cursors: {} };
    store.begin(entryOf(attachmentOf("a")), () => ({ addresses: [], reserved: [], memory }));
    store.close();
    return new Database(fileIn(folder));
  }

  it("runs those that follow the file's version, in their order, and keeps what is in it", () => {
    using folder = freshFolder();
    using database = currentStore(folder.path);
    using other = new Database(fileIn(folder.path)); // of a process that has it open
    assert.equal(other.prepare("SELECT count(*) FROM attachment").values()[0]![0], 1);
    migrate(database, made.slice(0, -1));
    assert.deepEqual(asked(fileIn(folder.path), "PRAGMA user_version"), [schemaVersion + 1]);
    migrate(database, made);
    assert.deepEqual(asked(fileIn(folder.path), "PRAGMA user_version"), [schemaVersion + 2]);
    assert.deepEqual(asked(fileIn(folder.path), "SELECT colour FROM network"), ["red"]);
    assert.equal(other.prepare("SELECT count(*) FROM attachment, shade").values()[0]![0], 0);
  });

  it("has nothing to do the second time", () => {
    using folder = freshFolder();
    using database = currentStore(folder.path);
    using second = new Database(fileIn(folder.path));
    migrate(database, made);
    migrate(second, made);
    migrate(second, made.slice(0, -1)); // an earlier version that opens it at the same moment
    assert.deepEqual(asked(fileIn(folder.path), "PRAGMA user_version"), [schemaVersion + 2]);
  });

  it("leaves the file as it was where one fails", () => {
    using folder = freshFolder();
    using database = currentStore(folder.path);
    assert.throws(
      () => migrate(database, [...made.slice(0, -1), "ALTER TABLE song ADD COLUMN title"]),
      /no such table: song/,
    );
    assert.deepEqual(asked(fileIn(folder.path), "PRAGMA user_version"), [schemaVersion]);
    assert.throws(() => asked(fileIn(folder.path), "SELECT colour FROM network"), /no such column/);
    using store = openExistingStore(folder.path);
    assert.equal(store?.entries().length, 1);
  });

  it("has one migration for each version after the first", () => assert.equal(migrations.length, schemaVersion - 1));
});
