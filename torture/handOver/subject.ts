/** Calls that are handed over: each must be done exactly once. Witnesses: ip, nft and SQLite itself. */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { bridge, type Host, linkNames, must, network, uplink } from "../host.ts";

const hostPort = 8066;

export interface Subject {
  readonly title: string;
  /** The name by which the launcher is called. */
  readonly type: string;
  /** Further keys of its configuration. */
  readonly more?: object;
  readonly needsUplink?: boolean;
  /** Called by name as a chained plugin: on what another ADD made. */
  readonly isChained?: boolean;
  /** Says what is not there exactly once after an ADD with this result; undefined if all is. */
  complaint(host: Host, result: CniResult): string | undefined;
}

interface CniResult {
  readonly ips?: readonly { readonly address: string }[];
}

interface Rows {
  /** State and addresses of each attachment. */
  readonly attachments: readonly (readonly [string, string])[];
  readonly leases: readonly string[];
  readonly chained: number;
  readonly ports: number;
}

export function rowsOf({ storePath }: Host): Rows {
  if (!existsSync(storePath)) return { attachments: [], leases: [], chained: 0, ports: 0 };
  using database = new Database(storePath, { readwrite: true });
  database.run("PRAGMA busy_timeout = 5000");
  const values = (sql: string) => database.prepare(sql).values();
  return {
    attachments: values("SELECT state, addresses FROM attachment") as [string, string][],
    leases: values("SELECT address FROM lease").map(([address]) => String(address)),
    chained: values("SELECT 1 FROM chained").length,
    ports: values("SELECT 1 FROM port").length,
  };
}

interface Link {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

const inPod = (): Link[] => JSON.parse(must("ip", "-n", "pod", "-j", "address")).filter(isOurs);
const isOurs = ({ ifname }: Link) => ifname !== "lo";

const sameLists = (a: readonly string[], b: readonly string[]) => a.toSorted().join() === b.toSorted().join();
const withoutPrefix = (address: string) => address.split("/")[0]!;

/** One attachment and its lease, with the addresses of the result. */
function inStore(host: Host, given: readonly string[]): string | undefined {
  const { attachments, leases } = rowsOf(host);
  if (attachments.length !== 1 || attachments[0]![0] !== "attached")
    return `attachments ${JSON.stringify(attachments)}`;
  if (!sameLists(leases, given.map(withoutPrefix))) return `leases ${leases}, and the result has ${given}`;
  return undefined;
}

function asInterface(isVeth: boolean): Subject["complaint"] {
  return (host, { ips = [] }) => {
    const given = ips.map(({ address }) => address);
    const links = inPod();
    if (links.length !== 1) return `interfaces ${links.map(({ ifname }) => ifname)} in the pod`;
    const had = links[0]!.addr_info
      .filter(({ scope }) => scope === "global")
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
    if (!sameLists(had, given)) return `the pod has ${had}, and the result ${given}`;
    const hostEnds = linkNames();
    if (hostEnds.length !== (isVeth ? 1 : 0)) return `host ends ${hostEnds}`;
    return inStore(host, given);
  };
}

const published = () =>
  must("nft", "-s", "list", "ruleset")
    .split("\n")
    .filter((line) => line.includes(`${hostPort}`));

export const subjects: readonly Subject[] = [
  { title: "a veth", type: "ns-net", complaint: asInterface(true) },
  {
    title: "a macvlan",
    type: "macvlan",
    more: { type: "macvlan", master: uplink },
    needsUplink: true,
    complaint: asInterface(false),
  },
  {
    title: "portmap after a bridge",
    type: "portmap",
    isChained: true,
    more: {
      type: "portmap",
      runtimeConfig: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
    },
    complaint(host, result) {
      const { chained, ports } = rowsOf(host);
      if (chained !== 1 || ports !== 1) return `${chained} records and ${ports} ports`;
      if (published().length !== 1) return `rules ${published()}`;
      return asInterface(true)(host, result);
    },
  },
  {
    title: "an IPAM by its name",
    type: "host-local",
    more: { type: "bridge", bridge },
    complaint(host, { ips = [] }) {
      const links = [...inPod().map(({ ifname }) => ifname), ...linkNames()];
      if (links.length > 0) return `links ${links}`;
      return inStore(
        host,
        ips.map(({ address }) => address),
      );
    },
  },
];

/** Everything that is left although nothing is attached. */
export function leftOf(host: Host): { links: string[]; rows: number; rules: string[] } {
  const { attachments, leases, chained, ports } = rowsOf(host);
  const strange = [...must("nft", "list", "ruleset").matchAll(/chain (\S+)/g)]
    .map(([, name]) => name!)
    .filter((name) => name.startsWith("masquerade-") && !name.startsWith(`masquerade-${network}-`));
  return {
    links: [...linkNames(), ...inPod().map(({ ifname }) => ifname)],
    rows: attachments.length + leases.length + chained + ports,
    rules: [...published(), ...strange],
  };
}
