/** Words of a command line: names of namespaces and interfaces, and text quoted for a shell. */
import type { Family } from "../ip/address.ts";
import type { Where } from "../kernel/kernel.ts";

/** The name below /run/netns, else the path, which `ip` accepts because it begins with a slash. */
export function netnsWord(path: string): string {
  return shellWord(path.replace(/^(\/var)?\/run\/netns\//, ""));
}

/** `ip`, or `ip -n web`; `ip -n web -6` for an IPv6 address, route or rule. */
export function ipWord(where: Where, netns: string, family: Family = 4): string {
  const ip = where === "host" ? "ip" : `ip -n ${netnsWord(netns)}`;
  return family === 6 ? `${ip} -6` : ip;
}

/** An interface for `ip link add` and `set`: after `dev` if its name may be a keyword of theirs (`type`, `ty`). */
export function linkWord(name: string): string {
  return `${/^[a-z_-]+$/.test(name) ? "dev " : ""}${shellWord(name)}`;
}

/** The name of a sysctl as sysctl(8) writes it, by its path below /proc/sys. */
export function sysctlName(path: string): string {
  return path.replaceAll(".", "\0").replaceAll("/", ".").replaceAll("\0", "/");
}

/** Text as one word of a shell: an interface's name may contain quotes, dollars and semicolons. */
export function shellWord(text: string): string {
  const isPlain = /^[\w@%+=:,./-]+$/.test(text);
  return isPlain ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
