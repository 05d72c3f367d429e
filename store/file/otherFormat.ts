/** Migrates, replaces or refuses a file of another format than this version's. Loaded if one is opened. */
import type { Database } from "bun:sqlite";
import type { Fill } from "../store.ts";
import { StoreDamaged, type StoreFile, StoreNewer } from "./damaged.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations.ts";
import { replaceStore } from "./replace.ts";
import { applicationId, formatOf, schemaVersion } from "./version.ts";

/** Throws StoreNewer for a newer schema, and StoreDamaged for a file that is no store, or of the first format without a `fill`. */
export function makeCurrent(file: StoreFile, database: Database, fill: Fill | undefined): void {
  const { application, version } = formatOf(database);
  if (application === applicationId) {
    if (version > schemaVersion) throw new StoreNewer(file.path, version, schemaVersion);
    migrate(database, migrations);
    return;
  }
  if (application !== 0 || version === 0 || !hasAttachments(database))
    throw new StoreDamaged(file.path, "it is not a store of ns-net");
  if (fill === undefined) throw new StoreDamaged(file.path, "an earlier ns-net wrote it, in a format that is not read");
  replaceStore(file, database, fill);
}

function hasAttachments(database: Database): boolean {
  return (
    database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'attachment'").values().length > 0
  );
}
