/** The published shape of a network namespace: `ns ls --json`, `ns who --json`. */
import type { Namespace } from "../../explain/namespaces/everyNamespace.ts";

export function jsonOf({ inode, names, processes, held, links }: Namespace) {
  return {
    inode,
    names,
    processes,
    held,
    links: links.map(({ name, mac, addresses, peer }) => ({ name, mac: mac ?? null, addresses, peer: peer ?? null })),
  };
}
