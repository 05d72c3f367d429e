/** Attachments counted in SQL: the same as counting what was read. */
import assert from "node:assert/strict";
import { countAttachments, countInStore } from "../../explain/networks/attachmentStates.ts";
import { bootId } from "../../store/index.ts";
import { attachmentOf, entryOf, freshStore } from "../ipam/storeWorld.ts";

describe("store.counts", () => {
  it("has each network and state, as the entries have them", () => {
    using world = freshStore();
    const { store } = world;
    const begin = (container: string, network: string, change = {}) => {
      const attachment = attachmentOf(container, network);
      store.begin(entryOf(attachment, { bootId: bootId(), ...change }), () => ({ addresses: [], reserved: [] }));
      return attachment;
    };
    for (const container of ["a", "b", "c"]) store.attached(begin(container, "podnet"), { steps: [{ kind: "veth" }] });
    store.attached(begin("a", "other"), {});
    begin("dead", "podnet", { pid: 1, pidStart: 1n }); // no process of that number started then
    store.deleting(attachmentOf("c", "podnet"));
    begin("dead", "only interrupted", { pid: 1, bootId: "00000000-0000-4000-8000-000000000001" });
    const counted = countInStore(store);
    assert.deepEqual(counted.toSorted(byName), countAttachments(store.entries()).toSorted(byName));
    assert.deepEqual(counted.toSorted(byName), [
      { network: "only interrupted", state: "interrupted", count: 1 },
      { network: "other", state: "attached", count: 1 },
      { network: "podnet", state: "attached", count: 2 },
      { network: "podnet", state: "deleting", count: 1 },
      { network: "podnet", state: "interrupted", count: 1 },
    ]);
    assert.equal(store.counts.stale("only interrupted", bootId()), 1);
    assert.equal(store.counts.stale("podnet", bootId()), 0);
  });

  it("is empty in an empty store", () => {
    using world = freshStore();
    assert.deepEqual(countInStore(world.store), []);
  });
});

const byName = (a: { network: string; state: string }, b: { network: string; state: string }) =>
  `${a.network} ${a.state}`.localeCompare(`${b.network} ${b.state}`);
