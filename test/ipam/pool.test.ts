/** Addresses from ranges: round robin, requested ones, full pools, chosen subnets. */

import assert from "node:assert/strict";
import type { RangeSet, StoreIpamConfig } from "../../conf/config/config.ts";
import { Fault } from "../../conf/fault.ts";
import type { Lease } from "../../ipam/ipam.ts";
import { local } from "../../ipam/pool.ts";
import { PoolFull } from "../../ipam/poolFull.ts";
import type { Store } from "../../store/store.ts";
import { callOf } from "../support/call.ts";
import { attachmentOf, entryOf, freshStore, rangesConfig, requestOf, statusOf } from "./storeWorld.ts";

interface Asked {
  readonly network?: string;
  readonly requested?: readonly string[];
  readonly host?: readonly string[];
  readonly inode?: bigint;
}

function acquire(store: Store, ipam: StoreIpamConfig, container: string, asked: Asked = {}): Lease {
  const attachment = attachmentOf(container, asked.network);
  const request = requestOf(attachment, { ipam, requested: asked.requested ?? [] });
  const entry = entryOf(attachment, asked.inode === undefined ? {} : { netnsInode: asked.inode });
  return local.acquire({
    call: callOf(),
    request,
    config: ipam,
    entry,
    store,
    hostNetworks: () => asked.host ?? [],
  }) as Lease;
}

function addressesOf(lease: Lease): string[] {
  return lease.addresses.map(({ address }) => address);
}

const small: RangeSet = [{ subnet: "10.1.0.0/29" }];

describe("local", () => {
  it("continues after the last given address, also if an earlier one is free again", () => {
    using s = freshStore();
    const config = rangesConfig(small);
    const given = ["a", "b", "c"].map((name) => addressesOf(acquire(s.store, config, name))[0]);
    assert.deepEqual(given, ["10.1.0.2/29", "10.1.0.3/29", "10.1.0.4/29"]);
    s.store.remove(attachmentOf("a"));
    assert.deepEqual(addressesOf(acquire(s.store, config, "d")), ["10.1.0.5/29"]);
    assert.deepEqual(addressesOf(acquire(s.store, config, "e")), ["10.1.0.6/29"]);
    assert.deepEqual(addressesOf(acquire(s.store, config, "f")), ["10.1.0.2/29"], "around to the one set free");
  });

  it("uses the ranges of a set in order, and gives one address of every set", () => {
    using s = freshStore();
    const config = rangesConfig([{ subnet: "10.1.0.0/30" }, { subnet: "10.2.0.0/30" }], [{ subnet: "fd00::/64" }]);
    assert.deepEqual(addressesOf(acquire(s.store, config, "a")), ["10.1.0.2/30", "fd00::2/64"]);
    assert.deepEqual(addressesOf(acquire(s.store, config, "b")), ["10.2.0.2/30", "fd00::3/64"]);
    assert.throws(() => acquire(s.store, config, "c"), /10\.1\.0\.0\/30 and 10\.2\.0\.0\/30 of network podnet: 2 of 2/);
  });

  it("takes no address at all when one of two sets is full", () => {
    using s = freshStore();
    const config = rangesConfig([{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/30" }]);
    acquire(s.store, config, "a");
    assert.throws(() => acquire(s.store, config, "b"), PoolFull);
    assert.equal(s.store.find(attachmentOf("b")), undefined);
    assert.equal(s.store.entries().length, 1);
  });

  it("names the full pool and the cure, and STATUS is 50", () => {
    using s = freshStore();
    const config = rangesConfig(small);
    for (const name of ["a", "b", "c", "d", "e"]) acquire(s.store, config, name);
    assert.throws(
      () => acquire(s.store, config, "f"),
      (fault: Fault) =>
        fault.code === 11 &&
        fault.message === "No free address in 10.1.0.0/29 of network podnet: 5 of 5 in use" &&
        fault.cure().includes("ns-net gc --dry-run"),
    );
    assert.throws(
      () => local.status(statusOf("podnet", { ipam: config }), config, s.store, () => [], callOf()),
      ({ code }: Fault) => code === 50,
    );
    s.store.remove(attachmentOf("c"));
    local.status(statusOf("podnet", { ipam: config }), config, s.store, () => [], callOf());
  });

  it("reports how many are from before the last boot", () => {
    using s = freshStore();
    const config = rangesConfig([{ subnet: "10.1.0.0/30" }]);
    acquire(s.store, config, "old");
    const attachment = attachmentOf("new");
    const context = {
      call: callOf(),
      request: requestOf(attachment, { ipam: config }),
      config,
      store: s.store,
      hostNetworks: () => [],
    };
    assert.throws(
      () => local.acquire({ ...context, entry: entryOf(attachment, { bootId: "another" }) }),
      (fault: Fault) => fault.cure().startsWith("1 of the network's attachments are from before the last boot"),
    );
  });

  it("keeps networks apart", () => {
    using s = freshStore();
    const config = rangesConfig(small);
    const one = acquire(s.store, config, "a", { network: "one" });
    assert.deepEqual(addressesOf(acquire(s.store, config, "a", { network: "two" })), addressesOf(one));
  });

  it("replaces addresses that no longer fit, for another namespace", () => {
    using s = freshStore();
    acquire(s.store, rangesConfig(small), "a");
    const other = rangesConfig([{ subnet: "10.9.0.0/29" }]);
    const again = acquire(s.store, other, "a", { inode: 7n });
    assert.deepEqual([again.made, addressesOf(again)], [true, ["10.9.0.2/29"]]);
    assert.deepEqual(addressesOf(acquire(s.store, rangesConfig(small), "b", { requested: ["10.1.0.2"] })), [
      "10.1.0.2/29",
    ]);
  });

  it("keeps the addresses of an attachment in use under any configuration", () => {
    using s = freshStore();
    acquire(s.store, rangesConfig(small), "a");
    s.store.attached(attachmentOf("a"), {});
    const again = acquire(s.store, rangesConfig([{ subnet: "10.9.0.0/29" }]), "a");
    assert.deepEqual([again.made, addressesOf(again)], [false, ["10.1.0.2/29"]]);
  });
});

describe("a requested address", () => {
  it("is given with the subnet's prefix length, whatever was requested", () => {
    using s = freshStore();
    const config = rangesConfig([{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]);
    const lease = acquire(s.store, config, "a", { requested: ["fd00::77", "10.1.0.50/32"] });
    assert.deepEqual(addressesOf(lease), ["10.1.0.50/24", "fd00::77/64"]);
  });

  const refused: [string, string[], number, RegExp][] = [
    ["in no range", ["10.9.9.9"], 7, /10\.9\.9\.9/],
    ["the gateway", ["10.1.0.1"], 7, /10\.1\.0\.1/],
    ["the network address", ["10.1.0.0"], 7, /10\.1\.0\.0/],
    ["the broadcast address", ["10.1.0.7"], 7, /10\.1\.0\.7/],
    ["no address", ["web"], 7, /"web"/],
    ["a second one of the same set", ["10.1.0.3", "10.1.0.4"], 7, /10\.1\.0\.4/],
    ["held by another", ["10.1.0.2"], 11, /held by eth0 of container holder on network podnet since 20\d\d-/],
  ];
  for (const [name, requested, code, sentence] of refused) {
    it(`is refused when it is ${name}, and takes nothing`, () => {
      using s = freshStore();
      const config = rangesConfig(small);
      acquire(s.store, config, "holder");
      assert.throws(
        () => acquire(s.store, config, "a", { requested }),
        (fault: Fault) => fault instanceof Fault && fault.code === code && sentence.test(fault.message),
      );
      assert.equal(s.store.find(attachmentOf("a")), undefined);
    });
  }
});

describe("a chosen subnet", () => {
  it("overlaps no route of the host, and a default route does not count", () => {
    using s = freshStore();
    const host = ["0.0.0.0/0", "10.88.0.0/16", "10.89.4.0/24", "fe80::/64"];
    assert.deepEqual(addressesOf(acquire(s.store, rangesConfig(), "a", { host })), ["10.90.0.2/16"]);
  });

  it("stays chosen after its own route appeared", () => {
    using s = freshStore();
    acquire(s.store, rangesConfig(), "a");
    const lease = acquire(s.store, rangesConfig(), "b", { host: ["10.88.0.0/16"] });
    assert.deepEqual(addressesOf(lease), ["10.88.0.3/16"]);
  });

  it("overlaps no subnet of another network, chosen or configured", () => {
    using s = freshStore();
    acquire(s.store, rangesConfig(), "a", { network: "one" });
    acquire(s.store, rangesConfig([{ subnet: "10.89.7.0/24" }]), "a", { network: "two" });
    assert.deepEqual(addressesOf(acquire(s.store, rangesConfig(), "a", { network: "three" })), ["10.90.0.2/16"]);
  });

  it("comes from 172.16/12 and 192.168/16 if 10/8 is in use, and is then refused with a cure", () => {
    using s = freshStore();
    const ten = acquire(s.store, rangesConfig(), "a", { network: "one", host: ["10.0.0.0/8"] });
    assert.deepEqual(addressesOf(ten), ["172.31.0.2/16"]);
    const both = acquire(s.store, rangesConfig(), "a", { network: "two", host: ["10.0.0.0/8", "172.16.0.0/12"] });
    assert.deepEqual(addressesOf(both), ["192.168.254.2/24"]);
    const all = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
    assert.throws(
      () => acquire(s.store, rangesConfig(), "a", { network: "three", host: all }),
      (fault: Fault) => fault.code === 7 && fault.cure().includes("subnet"),
    );
  });
});
