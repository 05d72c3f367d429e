/** The record of an install, kept beside the executable, so that uninstall undoes exactly that. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { code, Fault } from "../../conf/fault.ts";

export interface Installed {
  /** The version of this record. */
  readonly version: 1;
  /** The version of ns-net that was installed. */
  readonly program?: string;
  /** The launcher is installed as ns-net, and the executable beside it. */
  readonly hasLauncher?: boolean;
  /** The unit that was written for systemd, and the hash of its content. */
  readonly unit?: { readonly path: string; readonly sha256: string };
  /** The conflist and the hash of its content. A file that was changed since belongs to the person who changed it. */
  readonly conflist?: { readonly path: string; readonly sha256: string };
  /** Names of the reference's plugins that are links to ns-net. */
  readonly links: readonly string[];
}

export const recordPath = (binDir: string) => join(binDir, ".ns-net.json");

/** The folder of the plugins that had the names before. */
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
      "It is the record of the install: delete it, and remove by hand what is left",
    );
  }
}

export const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
