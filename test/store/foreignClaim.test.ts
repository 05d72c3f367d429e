/** Claims on an entry where processes of several PID namespaces share a store. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { thisProcess } from "../../store/index.ts";
import { attachmentOf, entryOf, freshStore } from "../ipam/storeWorld.ts";

const nothing = () => ({ addresses: [], reserved: [] });
const ticksPerSecond = 100n;
const elsewhere = (pidStart: bigint) => {
  const { pidNamespace, ...self } = thisProcess();
  return { ...self, pidStart, pidNamespace: pidNamespace + 1n };
};

describe("A claim of another PID namespace", () => {
  const attachment = attachmentOf("a");
  /** A process that starts now: this one may have run for minutes. */
  const now = BigInt(Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]))) * ticksPerSecond;

  it("holds, whichever process has its number here", () => {
    for (const pid of [4_194_303, process.pid, process.ppid]) {
      using s = freshStore();
      s.store.begin(entryOf(attachment, { ...elsewhere(now), pid }), nothing);
      const said = /process \d+ of another PID namespace is adding it/;
      assert.throws(() => s.store.deleting(attachment), said);
      assert.throws(() => s.store.begin(entryOf(attachment, thisProcess()), nothing), said);
      assert.equal(s.store.attached(attachment, {}), false, "it is the other process's");
    }
  });

  it("ends when a runtime would have ended its process", () => {
    using s = freshStore();
    s.store.begin(entryOf(attachment, elsewhere(now - 125n * ticksPerSecond)), nothing);
    assert.equal(s.store.deleting(attachment)?.state, "adding");
    assert.equal(s.store.find(attachment)?.pidNamespace, thisProcess().pidNamespace);
  });

  it("of a process that died here ends at once", () => {
    using s = freshStore();
    s.store.begin(entryOf(attachment, { ...thisProcess(), pid: 4_194_303 }), nothing);
    assert.equal(s.store.deleting(attachment)?.state, "adding");
  });
});
