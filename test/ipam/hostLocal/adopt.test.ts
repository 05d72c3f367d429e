/** Leases of the reference's host-local, taken over into the store. */

import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreIpamConfig } from "../../../conf/config/config.ts";
import { release } from "../../../ipam/hostLocal/reservations.ts";
import type { Adoption, Lease } from "../../../ipam/ipam.ts";
import { local } from "../../../ipam/pool.ts";
import { processStart } from "../../../store/claim.ts";
import { openStore, thisProcess } from "../../../store/index.ts";
import type { Store } from "../../../store/store.ts";
import { callOf } from "../../support/call.ts";
import { attachmentOf, entryOf, freshFolder, freshStore, rangesConfig, requestOf } from "../storeWorld.ts";

const config = { ...rangesConfig([{ subnet: "10.1.0.0/28" }], [{ subnet: "fd01::/64" }]), type: "host-local" as const };

/** host-local's folder of network podnet, with these files in it. */
function reservations(files: Readonly<Record<string, string>>) {
  const folder = freshFolder();
  const place = join(folder.path, "podnet");
  mkdirSync(place);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
  return { ...folder, place, config: { ...config, hostLocalDir: folder.path } as StoreIpamConfig };
}

const adoption = (change: Partial<Adoption> = {}): Adoption => ({
  lock: () => ({ [Symbol.dispose]() {} }),
  release,
  entryOf: (attachment) => entryOf(attachment, { ipamType: "" }),
  ...change,
});

function acquire(store: Store, ipam: StoreIpamConfig, container: string, change: Partial<Adoption> = {}): string[] {
  const attachment = attachmentOf(container);
  const request = requestOf(attachment, { ipam });
  const context = { call: callOf(), request, config: ipam, entry: entryOf(attachment), store, hostNetworks: () => [] };
  const lease = local.acquire({ ...context, adoption: () => adoption(change) }) as Lease;
  return lease.addresses.map(({ address }) => address);
}

const owners = (store: Store) =>
  store.entries().map(({ attachment: { container, ifname }, addresses }) => {
    return [`${container}/${ifname}`, ...addresses.map(({ address }) => address)].join(" ");
  });

describe("taking over leases of host-local", () => {
  it("keeps every address that has a file, and goes on after the last one given", () => {
    using s = freshStore();
    using held = reservations({
      "10.1.0.2": "web\r\neth0",
      "fd01::2": "web\r\neth0",
      "10.1.0.5": "db\r\nnet1",
      "last_reserved_ip.0": "10.1.0.4",
      lock: "",
    });
    assert.deepEqual(acquire(s.store, held.config, "new"), ["10.1.0.6/28", "fd01::3/64"]);
    assert.deepEqual(owners(s.store), [
      "web/eth0 10.1.0.2/28 fd01::2/64",
      "db/net1 10.1.0.5/28",
      "new/eth0 10.1.0.6/28 fd01::3/64",
    ]);
    assert.ok(existsSync(join(held.place, "10.1.0.2")), "the way back stays open");
  });

  it("takes a file that says the container alone, white space, and an address of no range", () => {
    using s = freshStore();
    using held = reservations({ "10.1.0.2": "old\n", "10.1.0.3": " web \r\n eth0 \n", "10.9.0.7": "far\r\neth0" });
    assert.deepEqual(acquire(s.store, held.config, "new")[0], "10.1.0.4/28");
    assert.deepEqual(owners(s.store).slice(0, 3).sort(), [
      "far/eth0 10.9.0.7/32",
      "old/ 10.1.0.2/28",
      "web/eth0 10.1.0.3/28",
    ]);
  });

  it("takes no harm from what is no reservation", () => {
    using s = freshStore();
    using held = reservations({
      "10.1.0.2": "",
      "10.1.0.300": "x\r\ny",
      "10.1.0.4": "\0\0\0\0",
      notes: "by hand",
      "last_reserved_ip.0": "?",
    });
    mkdirSync(join(held.place, "10.1.0.3"));
    const given = ["a", "b", "c"].map((name) => acquire(s.store, held.config, name)[0]);
    assert.deepEqual(given, ["10.1.0.2/28", "10.1.0.3/28", "10.1.0.4/28"]);
  });

  it("holds host-local's lock until the first address is given, and asks for it once in a network's life", () => {
    using s = freshStore();
    using held = reservations({ "10.1.0.2": "web\r\neth0" });
    const said: string[] = [];
    const lock = (path: string) => {
      said.push(`locked ${path}`);
      return { [Symbol.dispose]: () => void said.push(`let go with ${s.store.entries().length}`) };
    };
    acquire(s.store, held.config, "a", { lock });
    acquire(s.store, held.config, "b", { lock });
    assert.deepEqual(said, [`locked ${join(held.place, "lock")}`, "let go with 2"]);
  });

  it("has done nothing when it dies midway, and the next one does it", () => {
    using s = freshStore();
    using held = reservations({ "10.1.0.2": "web\r\neth0", "10.1.0.3": "db\r\neth0" });
    let asked = 0;
    const entryOf: Adoption["entryOf"] = (attachment, addresses) => {
      if (++asked === 2) throw new Error("killed");
      return adoption().entryOf(attachment, addresses);
    };
    assert.throws(() => acquire(s.store, held.config, "a", { entryOf }), /killed/);
    assert.deepEqual(owners(s.store), []);
    assert.equal(acquire(s.store, held.config, "a")[0], "10.1.0.4/28");
  });

  it("sees a reservation that came later, and forgets one that went", () => {
    using s = freshStore();
    using held = reservations({ "10.1.0.2": "web\r\neth0" });
    acquire(s.store, held.config, "a");
    release("web", [join(held.place, "10.1.0.2")]);
    writeFileSync(join(held.place, "10.1.0.4"), "late\r\neth0");
    assert.equal(acquire(s.store, held.config, "b")[0], "10.1.0.5/28");
    const names = owners(s.store).map((text) => text.split("/")[0]);
    assert.deepEqual(names.sort(), ["a", "b", "late"]);
  });

  it("removes a file that an uninstall left for an attachment of ours", () => {
    using s = freshStore();
    using held = reservations({});
    const [address] = acquire(s.store, held.config, "ours");
    const file = join(held.place, address!.split("/")[0]!);
    writeFileSync(file, "ours\r\neth0");
    s.store.forgetAdoption();
    acquire(s.store, held.config, "next");
    assert.equal(existsSync(file), false);
    assert.equal(owners(s.store).length, 2);
  });

  it("looks nowhere for a network that host-local never served", () => {
    using s = freshStore();
    using folder = freshFolder();
    const refuse = () => assert.fail("it was asked for");
    acquire(s.store, { ...config, hostLocalDir: folder.path }, "a", { lock: refuse });
    assert.equal(s.store.memory("podnet")?.adoptedFrom, "");
  });
});

/** What versions 1 to 5 had for a port: a row each, of one attachment. */
const portsBefore6 = `DROP TRIGGER attachment_gone; DROP TABLE port; CREATE TABLE port (protocol TEXT NOT NULL,
  host_port INTEGER NOT NULL, host TEXT NOT NULL, container_port INTEGER NOT NULL, network TEXT NOT NULL,
  container TEXT NOT NULL, ifname TEXT NOT NULL, plugin TEXT NOT NULL, created_ms INTEGER NOT NULL,
  netns_path TEXT NOT NULL, netns_device TEXT NOT NULL, netns_inode TEXT NOT NULL, boot_id TEXT NOT NULL,
  PRIMARY KEY (protocol, host_port, host)) STRICT, WITHOUT ROWID;
  CREATE INDEX port_by_attachment ON port (network, container, ifname);
  CREATE TRIGGER attachment_gone AFTER DELETE ON attachment BEGIN DELETE FROM lease WHERE attachment_id = old.id;
  DELETE FROM port WHERE network = old.network AND container = old.container AND ifname = old.ifname
  AND plugin = 'ns-net'; END`;

function makeVersion6(database: Database): void {
  for (const column of [
    "attachment DROP COLUMN netns_cookie",
    "attachment DROP COLUMN pid_namespace",
    "chained DROP COLUMN netns_cookie",
    "port DROP COLUMN netns_cookie",
  ])
    database.run(`ALTER TABLE ${column}`);
  database.run("PRAGMA user_version = 6");
}

function makeVersion5(database: Database): void {
  makeVersion6(database);
  database.run(portsBefore6);
  database.run("PRAGMA user_version = 5");
}

describe("a store of version 5", () => {
  it("keeps who has which port, until the attachment goes", () => {
    using folder = freshFolder();
    const before = openStore(folder.path);
    before.begin(entryOf(attachmentOf("a")), () => ({ addresses: [], reserved: [] }));
    before.close();
    using database = new Database(join(folder.path, "ns-net.sqlite"));
    makeVersion5(database);
    database
      .query("INSERT INTO port VALUES ('tcp', 8080, '*', 80, 'podnet', 'a', 'eth0', 'ns-net', 0, ?, ?, ?, ?)")
      .run(...ownNamespace());
    using store = openStore(folder.path);
    const begin = () =>
      store.begin(
        { ...entryOf(attachmentOf("b")), ports: [{ protocol: "tcp", hostPort: 8079, containerPort: 79, count: 3 }] },
        () => ({ addresses: [], reserved: [] }),
      );
    assert.throws(begin, /Cannot publish port 8080\/tcp: eth0 of container a on network podnet has it/);
    assert.equal(store.remove(attachmentOf("a")), true);
    begin();
  });
});

/** A namespace that lives, and the boot of these tests. */
function ownNamespace(): [string, string, string, string] {
  const path = "/proc/self/ns/net";
  const { dev, ino } = statSync(path, { bigint: true });
  return [path, String(dev), String(ino), entryOf(attachmentOf("a")).bootId];
}

describe("a store of version 6", () => {
  it("knows of no cookie and of no PID namespace, and takes a claim of that for one of its own", () => {
    using folder = freshFolder();
    const before = openStore(folder.path);
    const entry = entryOf(attachmentOf("a"), { ...thisProcess(), pid: process.ppid });
    before.begin({ ...entry, pidStart: processStart(process.ppid)! }, () => ({ addresses: [], reserved: [] }));
    before.close();
    using database = new Database(join(folder.path, "ns-net.sqlite"));
    makeVersion6(database);
    using store = openStore(folder.path);
    const [found] = store.entries();
    assert.deepEqual([found?.netnsCookie, found?.pidNamespace], [0n, 0n]);
    assert.throws(() => store.deleting(attachmentOf("a")), /process \d+ is adding it/);
  });
});

describe("a store of version 4", () => {
  it("keeps what plugins of chains remember, of one configuration a type", () => {
    using folder = freshFolder();
    openStore(folder.path).close();
    using database = new Database(join(folder.path, "ns-net.sqlite"));
    makeVersion5(database);
    database.run("DROP TABLE chained");
    database.run(`CREATE TABLE chained (network TEXT NOT NULL, container TEXT NOT NULL, ifname TEXT NOT NULL,
      plugin TEXT NOT NULL, steps TEXT NOT NULL, PRIMARY KEY (network, container, ifname, plugin)) STRICT, WITHOUT ROWID`);
    database.run(`INSERT INTO chained VALUES ('podnet', 'a', 'eth0', 'tuning', '["one"]')`);
    database.run("PRAGMA user_version = 4");
    using store = openStore(folder.path);
    const key = { attachment: attachmentOf("a"), plugin: "tuning", config: "new" };
    assert.deepEqual(store.recall(key)?.steps, ["one"]);
    const { netnsPath, netnsDevice, netnsInode, netnsCookie, bootId } = entryOf(key.attachment);
    const later = { ...key, netnsPath, netnsDevice, netnsInode, netnsCookie, bootId, steps: ["two"] };
    assert.equal(store.remember(later), undefined);
    assert.deepEqual(store.remember({ ...later, steps: ["three"] }), later);
    assert.deepEqual(
      store.chainedRecords(key.attachment).map(({ steps }) => steps),
      [["two"], ["one"]],
    );
  });
});

describe("a store of version 1", () => {
  it("is brought up to date, with what is in it", () => {
    using folder = freshFolder();
    const before = openStore(folder.path);
    before.begin(entryOf(attachmentOf("a")), () => ({
      addresses: [],
      reserved: [],
      memory: { subnets: ["10.1.0.0/24"], cursors: {} },
    }));
    before.close();
    using database = new Database(join(folder.path, "ns-net.sqlite"));
    makeVersion5(database);
    database.run("ALTER TABLE network DROP COLUMN adopted_from; ALTER TABLE attachment DROP COLUMN aliases");
    database.run("ALTER TABLE attachment ADD COLUMN owns_netns INTEGER NOT NULL DEFAULT 0");
    database.run("PRAGMA user_version = 1");
    using store = openStore(folder.path);
    assert.deepEqual(store.memory("podnet"), { subnets: ["10.1.0.0/24"], cursors: {} });
    assert.equal(store.entries().length, 1);
    using again = openStore(folder.path);
    assert.equal(again.entries().length, 1);
  });
});
