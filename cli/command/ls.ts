/** `ns-net ls` */

import { endsOf, theirPorts } from "../../explain/networks/theirs.ts";
import type { PublishedPort } from "../../explain/ports/publishedPort.ts";
import { withoutPrefix } from "../../ip/address.ts";
import { adoptedStep, isLeaseOnly } from "../../ipam/hostLocal/adopted.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { committedSteps } from "../../plugin/removal/entrySteps.ts";
import { writeOut } from "../../plugin/stdio.ts";
import { stepsOf } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import { isInterrupted } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import { foreignPortText, portsOf } from "../attach/publish.ts";
import { dataDirOf, networkName, openedStore, pidIn, pidsByInode } from "../attachments.ts";
import { command } from "../command.ts";
import { living } from "../living.ts";
import { lostHint, reportElsewhere, reportLost } from "../lost.ts";
import { located, stateShown, untakenOf } from "../networks/untaken.ts";
import type { Style } from "../output/colour.ts";
import { type Column, table } from "../output/table.ts";
import { unknownNetwork } from "../suggest.ts";
import { shortName } from "../target.ts";
import { filterOptions, labOption } from "./options.ts";

const { ifname: _, ...options } = filterOptions;

export default command({
  about: "List what is attached, oldest first.",
  usage: "[options]",
  operands: [0, 0],
  options: {
    ...options,
    ...labOption,
    wide: { type: "boolean", about: "also process, inode, hardware address and host end", short: "w" },
    json: { type: "boolean", about: "print JSON" },
  },
  more: `
A name in the first column can be given to inspect, exec, check and del. Ports are written as --publish takes them.
STATE is "adopted" for what another plugin made and ns-net serves since, and "adoptable" for what it will serve from
the first add of that network on.`,

  run({ options }) {
    const { network, json, wide = false } = options;
    const dataDir = dataDirOf(options);
    const pids = pidsByInode();
    using store = openedStore(dataDir);
    using kernel = openKernel();
    const named = network === undefined ? undefined : networkName(network);
    const known = (store?.entries(named) ?? []).map((entry) => located(entry));
    const isLiving = living(known, kernel);
    const untaken = untakenOf({ network, dataDir }, kernel);
    const all = [...known, ...untaken.living, ...untaken.gone];
    const unknown = all.length > 0 ? undefined : unknownNetwork(network, dataDir);
    if (unknown && lostHint(dataDir) === undefined) throw unknown;
    const theirs = all.some((entry) => !isOurs(entry)) ? theirPorts(kernel) : () => [];
    const rows = all.map((entry) => {
      const isSeen = untaken.living.includes(entry) || (known.includes(entry) && isLiving(entry));
      const isPresent = isSeen || isInterrupted(entry);
      const row = rowOf(entry, store, pids, isPresent);
      return isPresent && !isOurs(entry) ? { ...row, ...seenOf(entry, row, theirs) } : row;
    });
    if (json) writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    else writeOut(rows.length === 0 ? "Nothing is attached.\n" : table(columns, rows, { isWide: wide }));
    if (rows.length === 0 && !reportLost(dataDir)) reportElsewhere(dataDir);
    return 0;
  },
});

type Row = ReturnType<typeof rowOf>;

function rowOf(entry: Entry, store: Store | undefined, pids: ReadonlyMap<bigint, number>, isPresent: boolean) {
  const { attachment, netnsPath, netnsInode, addresses, mac, hostLink, createdMs } = entry;
  const { podNamespace, podName, aliases } = entry;
  const steps = entry.hasChained ? committedSteps(entry, store).flat() : stepsOf(entry);
  return {
    namespace: netnsPath,
    container: attachment.container,
    pod: podName === undefined ? undefined : `${podNamespace ?? ""}/${podName}`,
    aliases,
    pid: isPresent ? pidIn(entry, pids) : undefined,
    inode: Number(netnsInode),
    network: attachment.network,
    interface: attachment.ifname,
    addresses: addresses.map(({ address }) => address),
    ports: portsOf(steps),
    mac,
    hostVeth: isOurs(entry) ? hostLink : undefined,
    ageSeconds: Math.max(0, Math.round((Date.now() - createdMs) / 1000)),
    state: isPresent ? stateShown(entry, store) : "gone",
  };
}

/** The kernel knows what the store does not, because another plugin made it. */
function seenOf(entry: Entry, { ports }: Row, theirs: (entry: Entry) => readonly PublishedPort[]): Partial<Row> {
  const { inner, outer } = endsOf(entry);
  return { ports: [...ports, ...theirs(entry).map(foreignPortText)], mac: inner?.address, hostVeth: outer?.name };
}

/** False if another plugin made the interface. */
const isOurs = (entry: Entry) => adoptedStep(entry) === undefined && !isLeaseOnly(entry);

const columns: readonly Column<Row>[] = [
  { title: "NAMESPACE", cell: nameOf },
  { title: "PID", isExtra: true, isNumber: true, cell: ({ pid }) => String(pid ?? "") },
  { title: "INODE", isExtra: true, isNumber: true, cell: ({ inode }) => String(inode) },
  { title: "NETWORK", yields: 3, widthMin: 8, cell: ({ network }) => network },
  { title: "INTERFACE", yields: 4, cell: (row) => row.interface },
  { title: "ADDRESSES", yields: 1, widthMin: 15, cell: ({ addresses }) => addresses.map(withoutPrefix) },
  { title: "PORTS", yields: 2, widthMin: 8, cell: ({ ports }) => ports },
  { title: "MAC", isExtra: true, cell: ({ mac }) => mac ?? "" },
  { title: "HOST END", isExtra: true, cell: ({ hostVeth }) => hostVeth ?? "" },
  { title: "AGE", isNumber: true, cell: ({ ageSeconds }) => ageText(ageSeconds) },
  { title: "STATE", cell: ({ state }) => state, style: ({ state }) => styles[state] ?? "unsure" },
];

const styles: Readonly<Record<string, Style>> = { attached: "good", adopted: "good", adoptable: "good", gone: "bad" };

/** A name that other commands take, as short as there is one. */
function nameOf({ pod, namespace, container }: Row): string {
  return pod ?? shortName(namespace, container);
}

/** `42s`, `12m`, `5h`, `3d`: the largest unit that is not 0. */
function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
