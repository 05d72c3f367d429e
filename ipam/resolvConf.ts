/** Reads a resolv.conf into `dns`: resolv.conf(5), the keywords that host-local reads. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { code, Fault } from "../conf/fault.ts";
import type { Dns } from "../conf/result/result.ts";

/** The resolver itself uses three servers and 256 characters of search list. */
const bytesMax = 64 * 1024;

/** Throws Fault (code 5) for a path that is no regular file, cannot be read, or has more than 64 KiB. */
export function readResolvConf(path: string): Dns {
  return parseResolvConf(readLimited(path));
}

/** Later `nameserver`, `search` and `options` lines add to earlier ones; a later `domain` replaces. */
export function parseResolvConf(text: string): Dns {
  const nameservers: string[] = [];
  const search: string[] = [];
  const options: string[] = [];
  let domain: string | undefined;
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (values.length === 0) continue;
    if (keyword === "nameserver") nameservers.push(...values.slice(0, 1));
    else if (keyword === "domain") domain = values[0];
    else if (keyword === "search") search.push(...values);
    else if (keyword === "options") options.push(...values);
  }
  return {
    ...(nameservers.length > 0 ? { nameservers } : {}),
    ...(domain === undefined ? {} : { domain }),
    ...(search.length > 0 ? { search } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
}

function readLimited(path: string): string {
  const refused = (why: string) =>
    new Fault(code.io, `Cannot read ipam.resolvConf = ${JSON.stringify(path)}: ${why}`, "Name a resolv.conf file");
  let file: number;
  try {
    // NONBLOCK: opening a FIFO must not wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
  try {
    if (!fstatSync(file).isFile()) throw refused("it is not a regular file");
    const buffer = Buffer.alloc(bytesMax + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null);
    }
    if (length > bytesMax) throw refused(`it has more than ${bytesMax / 1024} KiB`);
    return buffer.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
