/** How a command line names a namespace. */
import type { Where } from "../kernel.ts";

/** By name below /run/netns, else by path (which `ip` takes since it begins with a slash). */
export function netnsWord(path: string): string {
  return path.replace(/^(\/var)?\/run\/netns\//, "");
}

/** `ip`, or `ip -n web`. */
export function ipWord(where: Where, netns: string): string {
  return where === "host" ? "ip" : `ip -n ${netnsWord(netns)}`;
}

/** Text as one word of a shell, whatever is in it: an interface's name may have quotes and dollars. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
