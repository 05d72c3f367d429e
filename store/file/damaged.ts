/** A store file, and the fault for one that is damaged. */

import { code, Fault, forAudience } from "../../conf/fault.ts";

export interface StoreFile {
  readonly path: string;
  /** How long to wait for another writer. */
  readonly busyTimeoutMs: number;
}

/** The file is there and holds no store, or a broken one. Of its own class, because that can be repaired. */
export class StoreDamaged extends Fault {
  constructor(storePath: string, what: string) {
    super(code.io, `Cannot use the store ${storePath}: ${what}`, repairCure);
  }
}

/** A newer ns-net wrote the file. Of its own class, because DEL goes on without the store. */
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
  'Run "ns-net repair": it sets the file aside and makes a new store from the links that stand, so that no address in use is given again';
