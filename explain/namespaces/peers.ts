/**
 * The other end of each veth. A link names it by an index and by a number of its namespace, which only the link's own
 * namespace understands. So ends are paired by their indexes, and the number decides whether the pair is one.
 */
import type { LinkInside } from "./links.ts";

export interface Peer {
  /** The network namespace of the other end. */
  readonly inode: number;
  readonly name: string;
}

export interface LinkWithPeer extends LinkInside {
  /** Absent where a link has no other end, and where the other end is in a namespace that was not read. */
  readonly peer: Peer | undefined;
}

/** The number that one namespace has for another one, both by inode; undefined if it has none. */
export type Asked = (from: number, to: number) => number | undefined;

interface Readable {
  readonly inode: number;
  readonly links: readonly LinkInside[];
}

interface End {
  readonly inode: number;
  readonly link: LinkInside;
}

/** `own`: the inode of the namespace whose numbers are known without a further question. */
export function withPeers<N extends Readable>(
  all: readonly N[],
  own: number,
  ask: Asked,
): (N & { readonly links: readonly LinkWithPeer[] })[] {
  const ends = new Map<string, End[]>();
  for (const { inode, links } of all) {
    for (const link of links) {
      if (!link.isVeth) continue;
      const key = `${link.index}/${link.peerIndex}`;
      const known = ends.get(key);
      if (known) known.push({ inode, link });
      else ends.set(key, [{ inode, link }]);
    }
  }
  const isPair = (a: End, b: End): boolean => {
    if (a.link.peerNetnsId === undefined || b.link.peerNetnsId === undefined) return false;
    // Both ends give the same answer, so the question that costs less is asked.
    const [from, to] = b.inode === own ? [b, a] : [a, b];
    return ask(from.inode, to.inode) === from.link.peerNetnsId;
  };
  const peerOf = (inode: number, link: LinkInside): Peer | undefined => {
    if (!link.isVeth) return undefined;
    const candidates = ends.get(`${link.peerIndex}/${link.index}`) ?? [];
    const end = { inode, link };
    const found = candidates.find((one) =>
      link.peerNetnsId === undefined ? one.inode === inode : one.inode !== inode && isPair(end, one),
    );
    return found && { inode: found.inode, name: found.link.name };
  };
  return all.map((namespace) => ({
    ...namespace,
    links: namespace.links.map((link) => ({ ...link, peer: peerOf(namespace.inode, link) })),
  }));
}
