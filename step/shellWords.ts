/** Words of a command line: what names a namespace, and what a shell takes as it is. */
import type { Family } from "../ip/address.ts";
import type { Where } from "../kernel/kernel.ts";

/** By name below /run/netns, else by path (which `ip` takes since it begins with a slash). */
export function netnsWord(path: string): string {
  return shellWord(path.replace(/^(\/var)?\/run\/netns\//, ""));
}

/** `ip`, or `ip -n web`; `ip -n web -6` for an IPv6 address, route or rule. */
export function ipWord(where: Where, netns: string, family: Family = 4): string {
  const ip = where === "host" ? "ip" : `ip -n ${netnsWord(netns)}`;
  return family === 6 ? `${ip} -6` : ip;
}

/** An interface as `ip link add` and `set` take it: one that may be a word of theirs (`type`, or `ty`) is told behind `dev`. */
export function linkWord(name: string): string {
  return `${/^[a-z_-]+$/.test(name) ? "dev " : ""}${shellWord(name)}`;
}

/** The name of a kernel setting as sysctl(8) has it, of its path below /proc/sys. */
export function sysctlName(path: string): string {
  return path.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/");
}

/** Text as one word of a shell, whatever is in it: an interface's name may have quotes, dollars and semicolons. */
export function shellWord(text: string): string {
  const isPlain = /^[\w@%+=:,./-]+$/.test(text);
  return isPlain ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
