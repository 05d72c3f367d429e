/** What install did, kept beside the executable, so that uninstall takes back that and nothing else. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";

export interface Installed {
  /** Of this record. */
  readonly version: 1;
  /** The conflist and what was written there; one that was changed since is somebody's own. */
  readonly conflist?: { readonly path: string; readonly sha256: string };
  /** Names of the reference's plugins that lead to ns-net. */
  readonly links: readonly string[];
}

export const recordPath = (binDir: string) => join(binDir, ".ns-net.json");

/** Where plugins that had the name before are kept. */
export const keptFolder = (binDir: string) => join(binDir, ".ns-net-kept");

export function readRecord(binDir: string): Installed | undefined {
  const path = recordPath(binDir);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Installed;
  } catch (error) {
    throw new Fault(
      code.decode,
      `Cannot read ${path}: ${(error as Error).message}`,
      "It says what install did; delete it, and remove by hand what is left",
    );
  }
}

export const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
