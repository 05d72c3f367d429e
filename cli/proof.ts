/**
 * Which namespaces `add` made: a file below /run/ns-net/made for each, with what identifies the namespace. A container
 * cannot write there, as it can to everything in its namespace. The folder goes with the boot, as namespaces do.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { MadeNetns } from "../kernel/newNamespace.ts";

const folder = "/run/ns-net/made";

/** `device inode cookie`. Numbers of namespaces are given again, the cookie is not; it is 0 before Linux 5.14. */
const textOf = ({ device, inode, cookie }: MadeNetns) => `${device} ${inode} ${cookie}\n`;

/** Replaces what is written of an earlier namespace of that name. Moved into place whole. */
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

/** True when `add` made the namespace, under that name: one of the same name may be another program's by now. */
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
