/** Reads the state that a runtime keeps on disk. Files that are missing, unreadable or half written are left out. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { isObject } from "../../conf/decode.ts";

export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

/** The value below keys: `valueAt(config, "State", "Pid")`; undefined if one is missing. */
export function valueAt(value: unknown, ...keys: readonly string[]): unknown {
  let found = value;
  for (const key of keys) found = isObject(found) ? found[key] : undefined;
  return found;
}

export function textAt(value: unknown, ...keys: readonly string[]): string | undefined {
  const found = valueAt(value, ...keys);
  return typeof found === "string" && found !== "" ? found : undefined;
}

export function numberAt(value: unknown, ...keys: readonly string[]): number | undefined {
  const found = valueAt(value, ...keys);
  return typeof found === "number" ? found : undefined;
}

/** The names in a folder, in order; none if it cannot be read. */
export function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

export interface PidFile {
  readonly pid: number;
  /** When the number was written, in milliseconds since 1970. */
  readonly writtenMs: number;
}

/** A file that holds the number of a process. */
export function readPidFile(path: string): PidFile | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? { pid, writtenMs: statSync(path).mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}
