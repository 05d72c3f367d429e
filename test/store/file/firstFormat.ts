/** Writes a store of the first format, as the last ns-net with that format did, over the one in a folder. */
import { Database } from "bun:sqlite";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const sql = readFileSync(join(import.meta.dirname, "firstFormat.sql"), "utf8");

/** The store of a folder, for reading in a test. */
export const fileIn = (dataDir: string) => join(dataDir, "ns-net.sqlite");

/** `version` is the schema's, of which the last was 7. */
export function writeFirstFormat(dataDir: string, version = 7): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const path = fileIn(dataDir);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  using database = new Database(path);
  database.run(sql);
  database.run(`PRAGMA user_version = ${version}`);
}
