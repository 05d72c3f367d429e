/** Many real processes on one store, and killed ones. */

import { Database } from "bun:sqlite";
import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../../conf/fault.ts";
import { openExistingStore, openStore } from "../../store/index.ts";
import { attachmentOf, freshFolder } from "../ipam/storeWorld.ts";
import { addOnce } from "./adder.ts";
import { writeFirstFormat } from "./file/firstFormat.ts";

const child = join(import.meta.dirname, "adder.ts");

function start(mode: string, dataDir: string, prefix: string, many: number) {
  return Bun.spawn([process.execPath, child, mode, dataDir, prefix, String(many)], { stdout: "pipe", stderr: "pipe" });
}

/** Whole lines. `onLine` is called for each as it comes. */
async function linesOf(plugin: ReturnType<typeof start>, onLine?: () => unknown): Promise<string[]> {
  let [text, seen] = ["", 0];
  const decoder = new TextDecoder();
  for await (const bytes of plugin.stdout) {
    text += decoder.decode(bytes, { stream: true });
    for (const count = text.split("\n").length - 1; seen < count; seen++) onLine?.();
  }
  assert.equal(await new Response(plugin.stderr).text(), "");
  await plugin.exited;
  return text.split("\n").filter((line) => line !== "");
}

/** The leases, and the number of each kind, through another connection. */
function look(dataDir: string): { leases: string[]; entries: number; orphans: number; integrity: unknown } {
  using database = new Database(join(dataDir, "ns-net.sqlite"));
  const column = (sql: string) =>
    database
      .prepare(sql)
      .values()
      .map(([value]) => value);
  return {
    leases: column("SELECT address FROM lease ORDER BY address_key") as string[],
    entries: Number(column("SELECT count(*) FROM attachment")[0]),
    orphans: Number(column("SELECT count(*) FROM lease WHERE attachment_id NOT IN (SELECT id FROM attachment)")[0]),
    integrity: column("PRAGMA integrity_check")[0],
  };
}

describe("many processes on one store", function () {
  this.timeout(60_000);

  it("create it together, and 20 × 10 ADDs get 200 addresses in a row", async () => {
    using folder = freshFolder();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => linesOf(start("attach", folder.path, `p${i}`, 10))),
    );
    const given = all.flat().map((line) => line.split(" ")[1]?.replace(/\/.*/, ""));
    assert.equal(new Set(given).size, 200);
    const { leases, ...rest } = look(folder.path);
    assert.deepEqual(rest, { entries: 200, orphans: 0, integrity: "ok" });
    assert.deepEqual([leases[0], leases[199], leases.length], ["10.0.0.2", "10.0.0.201", 200]);
  });

  it("that is of the first format replace it once", async () => {
    using folder = freshFolder();
    writeFirstFormat(folder.path);
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => linesOf(start("attach", folder.path, `p${i}`, 5))),
    );
    assert.equal(new Set(all.flat().map((line) => line.split(" ")[1])).size, 100);
    const { leases, ...rest } = look(folder.path);
    assert.deepEqual({ leases: leases.length, ...rest }, { leases: 100, entries: 100, orphans: 0, integrity: "ok" });
    assert.equal(readdirSync(folder.path).filter((name) => name.includes(".old-")).length, 1);
  });

  it("choose the same subnet", async () => {
    using folder = freshFolder();
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, i) => linesOf(start("choose", folder.path, `p${i}`, 1))),
    );
    for (const [line] of all) assert.match(line ?? "", /10\.88\.0\.\d+\/16$/);
  });

  it("lose no answered lease when they are killed at any moment", async () => {
    using folder = freshFolder();
    const answered: string[] = [];
    for (let round = 0; round < 12; round++) {
      const plugins = [0, 1, 2].map((i) => start("attach", folder.path, `r${round}-${i}`, 2000));
      // From "not yet started" to "in the middle of many transactions": the kill comes after this many answered ADDs.
      let left = round * 3;
      const killAll = () => {
        for (const plugin of plugins) plugin.kill("SIGKILL");
      };
      if (left === 0) killAll();
      const lines = plugins.map((plugin) => linesOf(plugin, () => --left === 0 && killAll()));
      answered.push(...(await Promise.all(lines)).flat());
    }
    const { leases, entries, orphans, integrity } = look(folder.path);
    assert.deepEqual([orphans, integrity, leases.length], [0, "ok", entries]);
    assert.ok(answered.length > 20, `only ${answered.length} ADDs were answered`);
    const addresses = answered.filter((line) => line.includes("/")).map((line) => line.split(" ")[1]);
    assert.equal(new Set(addresses).size, addresses.length);
    using store = openExistingStore(folder.path)!;
    for (const line of answered.slice(0, 50)) {
      const [container = "", address] = line.split(" ");
      if (address?.endsWith("/8")) assert.equal(store.find(attachmentOf(container))?.addresses[0]?.address, address);
    }
    addOnce(store, "after");
  });

  it("keep the log short although each ends without closing", async () => {
    using folder = freshFolder();
    const log = join(folder.path, "ns-net.sqlite-wal");
    await linesOf(start("attach", folder.path, "many", 50));
    const bytes: number[] = [statSync(log).size];
    for (let i = 0; i < 40; i++) {
      await linesOf(start("attach", folder.path, `one${i}`, 1));
      bytes.push(statSync(log).size);
    }
    const [most, least] = [Math.max(...bytes), Math.min(...bytes)];
    assert.ok(most > 300 * 1024 && most < 600 * 1024, `the log had up to ${most} bytes`);
    assert.ok(least < 100 * 1024, `the log never got shorter than ${least} bytes`);
    assert.equal(look(folder.path).entries, 90);
  });

  it("wait for one another up to the limit, and then name the process that holds the store", async () => {
    using folder = freshFolder();
    const limitMs = 500;
    using store = openStore(folder.path, limitMs);
    const holder = start("hold", folder.path, "", 0);
    const reader = holder.stdout.getReader();
    await reader.read();
    const startedMs = Date.now();
    assert.throws(
      () => addOnce(store, "a"),
      (fault: Fault) =>
        fault instanceof Fault && fault.code === 11 && fault.message.includes(`process ${holder.pid} (`),
    );
    const waitedMs = Date.now() - startedMs;
    assert.ok(waitedMs >= limitMs * 0.8 && waitedMs < limitMs * 10, `waited ${waitedMs} ms`);
    holder.kill("SIGKILL");
    await holder.exited;
    assert.equal(addOnce(store, "a"), "10.0.0.2/8", "a killed holder lets go");
  });
});

describe("thousands of leases", function () {
  this.timeout(60_000);

  it("slow an ADD down only a little, even if all of them are in the way", () => {
    using folder = freshFolder();
    using store = openStore(folder.path);
    const timeOf = (prefix: string) => {
      const times = Array.from({ length: 41 }, (_, i) => {
        // Without the last given address, the search starts at the beginning of the range.
        using database = new Database(join(folder.path, "ns-net.sqlite"));
        database.run("UPDATE network SET cursors = '{}'");
        const startedNs = Bun.nanoseconds();
        addOnce(store, `${prefix}${i}`);
        return Bun.nanoseconds() - startedNs;
      });
      return times.sort((a, b) => a - b)[20]!;
    };
    addOnce(store, "first");
    timeOf("warm");
    const few = timeOf("few");
    for (let i = 0; i < 5000; i++) addOnce(store, `many${i}`);
    const many = timeOf("late");
    assert.ok(many < few * 8, `${many / few} times slower`);
  });
});
