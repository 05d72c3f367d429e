/**
 * The place of a scenario: a host and containers whose names and folders are the same each time, so that recordings do
 * not differ by them. The sandbox has its own /run, so that two runs do not collide.
 */
import { Database } from "bun:sqlite";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { pluginTypes } from "../../conf/pluginType.ts";
import { nsNet } from "../support/plugin.ts";
import { type Netns, namedNetns } from "../support/sandbox.ts";
import { createNetns, deleteNetns } from "../support/spawn.ts";

export interface Stage extends Disposable {
  readonly host: Netns;
  readonly folder: string;
  /** Executables by type. */
  readonly binFolder: string;
  readonly dataDir: string;
  /** A new namespace with this name. */
  container(name: string): Netns;
  /** Every row of the store as text, without what differs between runs. */
  rows(): string[];
  loseStore(): void;
}

const tables = ["attachment", "lease", "port", "chained", "network"] as const;
/** The clock, and numbers of the kernel: processes, namespaces, the boot. */
const volatile = /^(created_ms|gone_ms|pid|pid_start|boot_id|netns_device|netns_inode|netns_cookie|pid_namespace)$/;

export function freshStage(): Stage {
  const folder = "/run/ns-net-oracle";
  rmSync(folder, { recursive: true, force: true });
  const binFolder = join(folder, "bin");
  const dataDir = join(folder, "data");
  mkdirSync(binFolder, { recursive: true });
  // ns-net recognizes its own `bandwidth` by the executable of the process, which is this one (inProcess.ts).
  for (const type of pluginTypes) symlinkSync(type === "bandwidth" ? process.execPath : nsNet, join(binFolder, type));
  const names: string[] = [];
  const named = (name: string): Netns => {
    createNetns(name);
    names.push(name);
    return namedNetns(name);
  };
  const host = named("oracle-host");
  return {
    ...{ host, folder, binFolder, dataDir, container: named },
    rows: () => rowsOf(join(dataDir, "ns-net.sqlite")),
    loseStore: () => rmSync(dataDir, { recursive: true, force: true }),
    [Symbol.dispose]() {
      for (const name of names) deleteNetns(name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function rowsOf(path: string): string[] {
  if (!existsSync(path)) return ["no store"];
  using database = new Database(path, { readwrite: true });
  database.run("PRAGMA busy_timeout = 5000");
  return tables.flatMap((table) =>
    (database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[]).map((row) => {
      const kept = Object.entries(row).filter(([column]) => !volatile.test(column));
      return `${table} ${JSON.stringify(Object.fromEntries(kept))}`;
    }),
  );
}
