/** The rows of `ns-net top`: an interface of a container each. */
import { everyContainer } from "../../explain/containers/find.ts";
import { containersByInode } from "../../explain/namespaces/inside.ts";
import type { Sample } from "../../explain/namespaces/traffic.ts";
import type { LinkCounters } from "../../netlink/route/linkCounters.ts";
import { labelOf } from "../namespaces/label.ts";

export interface Row {
  readonly container: string;
  readonly interface: string;
  readonly now: LinkCounters;
  /** A second's worth; undefined before the second look. */
  readonly rates: Rates | undefined;
}

export interface Rates {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receivedPackets: number;
  readonly sentPackets: number;
  readonly dropped: number;
}

/** The busiest interface first: by bytes a second, or without an earlier look by all its bytes. */
export function rowsOf(sample: Sample, before?: Sample): Row[] {
  const namespaces = sample.counted.map(({ namespace }) => ({ ...namespace, isOwn: false }));
  const containers = containersByInode(namespaces, everyContainer(namespaces.flatMap(({ processes }) => processes)));
  const old = new Map(
    before?.counted.flatMap(({ namespace, links }) => links.map((link) => [`${namespace.inode} ${link.index}`, link])),
  );
  const passedMs = before === undefined ? 0 : sample.atMs - before.atMs;
  const rows = sample.counted.flatMap(({ links }, i): Row[] => {
    const namespace = namespaces[i]!;
    const container = labelOf(namespace, containers.get(namespace.inode));
    return links.map((now) => {
      const earlier = old.get(`${namespace.inode} ${now.index}`);
      return { container, interface: now.name, now, rates: earlier && ratesOf(earlier, now, passedMs) };
    });
  });
  const weight = ({ now, rates }: Row): number => {
    const { receivedBytes, sentBytes } = rates ?? (before === undefined ? now : none);
    return receivedBytes + sentBytes;
  };
  return rows.sort((a, b) => weight(b) - weight(a) || (a.container < b.container ? -1 : 1));
}

const none = { receivedBytes: 0, sentBytes: 0 };

function ratesOf(before: LinkCounters, now: LinkCounters, passedMs: number): Rates {
  const rate = (key: keyof Rates) => Math.max(0, ((now[key] - before[key]) * 1000) / passedMs);
  return {
    receivedBytes: rate("receivedBytes"),
    sentBytes: rate("sentBytes"),
    receivedPackets: rate("receivedPackets"),
    sentPackets: rate("sentPackets"),
    dropped: rate("dropped"),
  };
}
