/**
 * Proofs of the namespaces that `add` created: a file for each in /run/ns-net/made with the identity of the namespace.
 * A container cannot write there, unlike in its namespace. The folder ends with the boot, as namespaces do.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { MadeNetns } from "../kernel/newNamespace.ts";

const folder = "/run/ns-net/made";

/** `device inode cookie`. The kernel gives inodes again, and cookies never; the cookie is 0 before Linux 5.14. */
const textOf = ({ device, inode, cookie }: MadeNetns) => `${device} ${inode} ${cookie}\n`;

/** Writes the proof, replacing that of an earlier namespace with the name. Renamed into place whole. */
export function writeProof(name: string, made: MadeNetns): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${folder}/.${name}-${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, textOf(made), { mode: 0o600, flag: "wx" });
    renameSync(draft, `${folder}/${name}`);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** True if `add` created this namespace under this name: by now another program's namespace may have the name. */
export function isProven(name: string, found: MadeNetns): boolean {
  try {
    return readFileSync(`${folder}/${name}`, "utf8") === textOf(found);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

export function removeProof(name: string): void {
  rmSync(`${folder}/${name}`, { force: true });
}
