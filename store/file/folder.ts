/** Other users must not be able to write to the store's folder: a file there decides which address is free. */
import { code, Fault } from "../../conf/fault.ts";
import { statusIfThere } from "../../sys/files.ts";

const writableByOthers = 0o022;

/** Throws Fault (code 5). A missing folder is right: it is created with mode 0700. */
export function requireOwnFolder(dataDir: string): void {
  const found = statusIfThere(dataDir);
  if (found === undefined) return;
  const isOurs = found.uid === 0 || found.uid === process.geteuid!();
  if (isOurs && (found.permissions & writableByOthers) === 0) return;
  throw new Fault(
    code.io,
    `Cannot use the folder ${dataDir}: ${isOurs ? "others may write to it" : `it belongs to user ${found.uid}`}`,
    `Make it root's alone: chown root ${dataDir} && chmod 0700 ${dataDir}`,
  );
}
