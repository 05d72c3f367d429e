/** Finds network namespaces by whatever a person knows of them: a name, an inode, a link, an address, a container. */
import { formatAddress, parseAddress, withoutPrefix } from "../../ip/address.ts";
import { type Container, nameOf } from "../containers/container.ts";
import { containersNamed } from "../containers/find.ts";
import type { Namespace } from "./everyNamespace.ts";
import type { LinkWithPeer } from "./peers.ts";

export interface Match {
  readonly namespace: Namespace;
  readonly by: "name" | "inode" | "other end" | "link" | "address" | "container" | "process";
  /** The link of the namespace that was meant, if one was. */
  readonly link?: LinkWithPeer;
}

/** Every match of the first kind that has one: names come first, then inodes, addresses, links and containers. */
export function whoIs(words: string, all: readonly Namespace[], containers: readonly Container[]): Match[] {
  const ways = [byName, byInode, byAddress, byLink, byContainer];
  for (const way of ways) {
    const found = way(words, all, containers);
    if (found.length > 0) return found;
  }
  return [];
}

type Way = (words: string, all: readonly Namespace[], containers: readonly Container[]) => Match[];

const byName: Way = (words, all) =>
  all
    .filter(({ names, paths }) => names.includes(words) || (words.startsWith("/") && paths.includes(words)))
    .map((namespace) => ({ namespace, by: "name" }));

const byInode: Way = (words, all) => {
  const digits = /^(?:net:\[)?(\d+)\]?$/.exec(words)?.[1];
  return all.filter(({ inode }) => inode === Number(digits)).map((namespace) => ({ namespace, by: "inode" }));
};

const byAddress: Way = (words, all) => {
  const address = parseAddress(withoutPrefix(words));
  if (address === undefined) return [];
  const text = formatAddress(address);
  return all.flatMap((namespace) =>
    namespace.links
      .filter(({ addresses }) => addresses.some((one) => withoutPrefix(one) === text))
      .map((link) => ({ namespace, by: "address" as const, link })),
  );
};

/** A link of our own namespace is meant before links of others. A veth means the namespace of its other end. */
const byLink: Way = (words, all) => {
  const named = all.flatMap((namespace) =>
    namespace.links.filter(({ name }) => name === words).map((link) => ({ namespace, by: "link" as const, link })),
  );
  const own = named.filter(({ namespace }) => namespace.isOwn);
  return (own.length > 0 ? own : named).map((match) => otherEnd(match, all) ?? match);
};

function otherEnd({ namespace, link }: Required<Match>, all: readonly Namespace[]): Match | undefined {
  if (!namespace.isOwn || link.peer === undefined) return undefined;
  const { inode, name } = link.peer;
  const other = all.find((one) => one.inode === inode);
  const end = other?.links.find((one) => one.name === name);
  return other && end && { namespace: other, by: "other end", link: end };
}

const byContainer: Way = (words, all, containers) => {
  const pids = new Set(containersNamed(words, containers).map(({ pid }) => pid));
  const hasOne = ({ processes }: Namespace) => processes.some(({ pid }) => pids.has(pid));
  return all.filter(hasOne).map((namespace) => ({ namespace, by: "container" }));
};

/** Every word that `whoIs` finds something by, for "did you mean". */
export function* knownWords(all: readonly Namespace[], containers: readonly Container[]): Generator<string> {
  for (const { names, links } of all) {
    yield* names;
    for (const { name } of links) yield name;
  }
  for (const one of containers) if (one.pid !== undefined) yield nameOf(one);
}
