/**
 * Networks of files given to `add --network FILE`, so that their names are known from then on. Kept beside the store;
 * only the command line reads them.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { processStart } from "../store/claim.ts";

type Json = Readonly<Record<string, unknown>>;

interface Remembered {
  /** The absolute path of the file; empty for a network that flags described. */
  readonly path: string;
  /** The content of the file, or what the flags described. */
  readonly configuration: Json;
  /** The process that is about to attach the first namespace to the network, and when it started, in clock ticks. */
  readonly claim?: { readonly pid: number; readonly start: string };
}

const folderOf = (dataDir: string) => join(dataDir, "networks");

/** A file's name has 255 bytes at most, and so may a network's. */
const nameLengthMax = 200;

function fileOf(name: string, dataDir: string): string {
  const isShort = name.length <= nameLengthMax;
  return join(folderOf(dataDir), `${isShort ? name : new Bun.CryptoHasher("sha256").update(name).digest("hex")}.json`);
}

/**
 * Remembers a network. An attachment can do without, so a failure is only reported. `path` is empty without a file.
 * `isClaim`: nothing is attached to it yet, but this process is about to.
 */
export function remember(path: string, configuration: Json, dataDir: string, { isClaim = false } = {}): void {
  const file = fileOf(String(configuration["name"]), dataDir);
  const claim = { pid: process.pid, start: String(processStart(process.pid)) };
  const kept: Remembered = { path: path && resolve(path), configuration, ...(isClaim && { claim }) };
  try {
    mkdirSync(folderOf(dataDir), { recursive: true, mode: 0o700 });
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.${process.pid}`, file);
  } catch (error) {
    process.stderr.write(
      `ns-net: cannot keep the network for later: ${(error as Error).message}; name its file again next time\n`,
    );
  }
}

/** The network with a name; undefined if no such file was ever given. */
export function remembered(name: string, dataDir: string): Remembered | undefined {
  // A name with a slash is a file's path, and never looked up here.
  if (name.includes("/")) return undefined;
  const kept = keptIn(fileOf(name, dataDir));
  return kept?.configuration["name"] === name ? kept : undefined;
}

/** True while another process is about to attach the first namespace to the network. */
export function isClaimed(kept: Remembered | undefined): boolean {
  if (kept?.claim === undefined || kept.claim.pid === process.pid) return false;
  return String(processStart(kept.claim.pid)) === kept.claim.start;
}

export function rememberedNames(dataDir: string): string[] {
  try {
    return readdirSync(folderOf(dataDir)).flatMap((file) => {
      const name = keptIn(join(folderOf(dataDir), file))?.configuration["name"];
      return typeof name === "string" ? [name] : [];
    });
  } catch {
    return [];
  }
}

/** Forgets a network. Nothing happens if it is not known. */
export function forget(name: string, dataDir: string): void {
  if (remembered(name, dataDir) !== undefined) rmSync(fileOf(name, dataDir), { force: true });
}

function keptIn(path: string): Remembered | undefined {
  try {
    const kept = JSON.parse(readFileSync(path, "utf8")) as Partial<Remembered>;
    const { configuration } = kept;
    return typeof kept.path === "string" && typeof configuration === "object" && configuration !== null
      ? (kept as Remembered)
      : undefined;
  } catch {
    return undefined;
  }
}
