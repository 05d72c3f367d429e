/** `ns-net ls` */
import { adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { openKernel } from "../../kernel/kernel.ts";
import { writeOut } from "../../plugin/stdio.ts";
import type { Entry } from "../../store/entry.ts";
import { isInterrupted } from "../../store/index.ts";
import { dataDirOf, entries, pidIn, pidsByInode } from "../attachments.ts";
import { columns, command } from "../command.ts";
import { living } from "../living.ts";
import { lostHint, reportLost } from "../lost.ts";
import { unknownNetwork } from "../suggest.ts";
import { filterOptions } from "./options.ts";

const { ifname: _, ...options } = filterOptions;

export default command({
  about: "List what is attached, oldest first.",
  usage: "[options]",
  operands: [0, 0],
  options: { ...options, json: { type: "boolean", about: "print JSON" } },

  run({ options }) {
    const { network, json } = options;
    const dataDir = dataDirOf(options);
    const pids = pidsByInode();
    const all = entries({ network, dataDir });
    using kernel = openKernel();
    const isLiving = living(all, kernel);
    const unknown = all.length > 0 ? undefined : unknownNetwork(network, dataDir);
    if (unknown && lostHint(dataDir) === undefined) throw unknown;
    const rows = all.map((entry) => rowOf(entry, pids, isLiving(entry) || isInterrupted(entry)));
    if (json) writeOut(`${JSON.stringify(rows, null, 2)}\n`);
    else writeOut(rows.length === 0 ? "Nothing is attached.\n" : table(rows));
    if (rows.length === 0) reportLost(dataDir);
    return 0;
  },
});

type Row = ReturnType<typeof rowOf>;

function rowOf(entry: Entry, pids: ReadonlyMap<bigint, number>, isPresent: boolean) {
  const { attachment, netnsPath, netnsInode, addresses, mac, hostLink, createdMs, state } = entry;
  const { podNamespace, podName, aliases } = entry;
  const isAdopted = adoptedStep(entry) !== undefined;
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
    mac,
    hostVeth: isAdopted ? undefined : hostLink,
    ageSeconds: Math.max(0, Math.round((Date.now() - createdMs) / 1000)),
    state: isAdopted ? "adopted" : isPresent ? state : "gone",
  };
}

function table(rows: readonly Row[]): string {
  const header = ["NAMESPACE", "PID", "INODE", "NETWORK", "INTERFACE", "ADDRESSES", "MAC", "HOST VETH", "AGE", "STATE"];
  const cells = rows.map((row) => [
    row.pod ?? (row.namespace.replace(/^\/run\/netns\//, "") || "-"),
    row.pid === undefined ? "-" : String(row.pid),
    String(row.inode),
    row.network,
    row.interface,
    row.addresses.join(",") || "-",
    row.mac ?? "-",
    row.hostVeth ?? "-",
    ageText(row.ageSeconds),
    row.state,
  ]);
  return columns([header, ...cells]);
}

/** `42s`, `12m`, `5h`, `3d`: the largest unit that is not 0. */
function ageText(seconds: number): string {
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
