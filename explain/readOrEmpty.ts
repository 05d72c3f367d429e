/** Reads a file of /proc, or of the state that another program keeps. */
import { readFileSync } from "node:fs";

/** Empty for a file that is gone, or that this user may not read: its process ended, or belongs to another user. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
