/** One agent a socket: two would undo each other's work. */
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { code, Fault } from "../conf/fault.ts";
import { tryLock } from "../sys/sysRare.ts";

/** Locks the socket's name for as long as this process lives. Throws Fault if another agent has it. */
export function beOnlyOne(socket: string): void {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  const path = `${socket}.lock`;
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (tryLock(file)) {
    writeFileSync(path, `${process.pid}\n`);
    return;
  }
  closeSync(file);
  throw new Fault(
    code.tryAgain,
    `Another agent serves ${socket}: process ${readFileSync(path, "utf8").trim()}`,
    "See it with 'ns-net status'; end it before you start another one, or give another --socket",
  );
}
