/** Leases of the reference's host-local, taken over into the store. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreIpamConfig } from "../../../conf/config/config.ts";
import { release } from "../../../ipam/hostLocal/reservations.ts";
import type { Adoption, Lease } from "../../../ipam/ipam.ts";
import { local } from "../../../ipam/pool.ts";
import type { Store } from "../../../store/store.ts";
import { callOf } from "../../support/call.ts";
import { attachmentOf, entryOf, freshFolder, freshStore, rangesConfig, requestOf } from "../storeWorld.ts";

const config = { ...rangesConfig([{ subnet: "10.1.0.0/28" }], [{ subnet: "fd01::/64" }]), type: "host-local" as const };

/** host-local's folder of network podnet, with these files. */
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
  isReplaced: () => false,
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
  it("keeps every address with a file, and continues after the last given one", () => {
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

  it("reads a file with only the container, white space, and an address of no range", () => {
    using s = freshStore();
    using held = reservations({ "10.1.0.2": "old\n", "10.1.0.3": " web \r\n eth0 \n", "10.9.0.7": "far\r\neth0" });
    assert.deepEqual(acquire(s.store, held.config, "new")[0], "10.1.0.4/28");
    assert.deepEqual(owners(s.store).slice(0, 3).sort(), [
      "far/eth0 10.9.0.7/32",
      "old/ 10.1.0.2/28",
      "web/eth0 10.1.0.3/28",
    ]);
  });

  it("ignores files that are no reservation", () => {
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

  it("holds host-local's lock until the first address is given, and takes it once in a network's life", () => {
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

  it("has changed nothing if it dies midway, and the next call does it", () => {
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

  it("adds a later reservation, and drops a removed one", () => {
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

  it("reads no folder for a network that host-local never served", () => {
    using s = freshStore();
    using folder = freshFolder();
    const refuse = () => assert.fail("it was asked for");
    acquire(s.store, { ...config, hostLocalDir: folder.path }, "a", { lock: refuse });
    assert.equal(s.store.memory("podnet")?.adoptedFrom, "");
  });
});
