/** A program that tests start many times and kill: `adder.ts <mode> <dataDir> <container prefix> <how many>`. */

import { Database } from "bun:sqlite";
import { Fault } from "../../conf/fault.ts";
import type { Lease } from "../../ipam/ipam.ts";
import { local } from "../../ipam/pool.ts";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { attachmentOf, entryOf, rangesConfig, requestOf } from "../ipam/storeWorld.ts";
import { callOf } from "../support/call.ts";

/** One address out of a /8. */
export function addOnce(store: Store, container: string, rangeSets = [[{ subnet: "10.0.0.0/8" }]]): string {
  const attachment = attachmentOf(container);
  const config = rangesConfig(...rangeSets);
  const request = requestOf(attachment, { ipam: config });
  const context = { call: callOf(), request, config, entry: entryOf(attachment), store, hostNetworks: () => [] };
  const lease = local.acquire(context) as Lease;
  return lease.addresses[0]?.address ?? "none";
}

function report(dataDir: string, work: () => void): void {
  try {
    work();
    console.log("no failure");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    console.log(`${error.code} ${error.message} | ${error.cure()}`);
  }
  try {
    const database = new Database(`${dataDir}/ns-net.sqlite`);
    const count = (table: string) => database.prepare(`SELECT count(*) FROM ${table}`).values()[0]?.[0];
    const integrity = database.prepare("PRAGMA integrity_check").values()[0]?.[0];
    console.log(`${count("attachment")} entries, ${count("lease")} leases, ${integrity}`);
  } catch (error) {
    console.log(`cannot look: ${error}`);
  }
}

if (import.meta.main) {
  const [mode, dataDir = "", prefix = "c", many = "1"] = process.argv.slice(2);
  const adds = function* () {
    for (let i = 0; i < Number(many); i++) yield `${prefix}-${i}`;
  };
  if (mode === "report") {
    report(dataDir, () => {
      const store = openStore(dataDir);
      for (const container of adds()) addOnce(store, container);
    });
  } else if (mode === "hold") {
    const database = new Database(`${dataDir}/ns-net.sqlite`);
    database.run("BEGIN IMMEDIATE");
    console.log("holding");
    Bun.sleepSync(60_000);
  } else {
    for (const container of adds()) {
      // As the plugin does: a process opens, adds, and ends without closing. "choose" has no ranges.
      const store = openStore(dataDir, undefined, () => {});
      const address = mode === "choose" ? addOnce(store, container, []) : addOnce(store, container);
      if (mode === "attach") store.attached(attachmentOf(container), { mac: "02:00:00:00:00:01" });
      process.stdout.write(`${container} ${address}\n`);
    }
    process.kill(process.pid, "SIGKILL");
  }
}
