/** A store file, and the fault for one that is damaged. */

import { code, Fault, forAudience } from "../../conf/fault.ts";

export interface StoreFile {
  readonly path: string;
  /** How long to wait for another writer's transaction. */
  readonly busyTimeoutMs: number;
}

/** The file exists, but is no store, or a damaged one. A class of its own, because it can be repaired. */
export class StoreDamaged extends Fault {
  constructor(storePath: string, what: string) {
    super(code.io, `Cannot use the store ${storePath}: ${what}`, repairCure);
  }
}

/** A newer ns-net wrote the file. A class of its own, because DEL continues without the store. */
export class StoreNewer extends Fault {
  constructor(storePath: string, version: number, known: number) {
    super(
      code.io,
      `Cannot use the store ${storePath}: a newer ns-net wrote it (schema ${version}, this one knows ${known})`,
      forAudience(
        "Install that newer version again, or set another dataDir",
        "Install that newer version again, or give another --data-dir",
      ),
    );
  }
}

const repairCure =
  'Run "ns-net repair": it moves the file aside and rebuilds the store from the existing links, so that no address in use is given twice';
