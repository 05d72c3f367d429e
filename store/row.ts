/** Converts rows to entries and back, and to the memory of a network. */
import type { Delegated, Entry, NetworkMemory, NewEntry, State } from "./entry.ts";

/** A row, as SQLite answers it. */
export interface Row {
  readonly id: number;
  readonly network: string;
  readonly container: string;
  readonly ifname: string;
  readonly state: State;
  readonly created_ms: number;
  readonly addresses: string;
  readonly mac: string | null;
  readonly netns_path: string;
  readonly netns_device: string;
  readonly netns_inode: string;
  readonly netns_cookie: string;
  readonly boot_id: string;
  readonly pid: number;
  readonly pid_start: string;
  readonly pid_namespace: string;
  readonly call_id: string;
  readonly bridge: string;
  readonly host_link: string;
  readonly ipam_type: string;
  readonly pod_namespace: string | null;
  readonly pod_name: string | null;
  readonly aliases: string | null;
  readonly delegated: string | null;
  readonly steps: string | null;
  readonly gone_ms: number | null;
  readonly has_chained?: number;
}

/** The columns that `begin` writes; `owned` answers their values in this order. */
export const ownedColumns = [
  "netns_path",
  "netns_device",
  "netns_inode",
  "netns_cookie",
  "boot_id",
  "pid",
  "pid_start",
  "pid_namespace",
  "call_id",
  "bridge",
  "host_link",
  "ipam_type",
  "pod_namespace",
  "pod_name",
  "aliases",
] as const;

export function owned(entry: NewEntry): (string | number | null)[] {
  return [
    entry.netnsPath,
    entry.netnsDevice.toString(),
    entry.netnsInode.toString(),
    entry.netnsCookie.toString(),
    entry.bootId,
    entry.pid,
    entry.pidStart.toString(),
    entry.pidNamespace.toString(),
    entry.call,
    entry.bridge,
    entry.hostLink,
    entry.ipamType,
    entry.podNamespace ?? null,
    entry.podName ?? null,
    entry.aliases === undefined ? null : JSON.stringify(entry.aliases),
  ];
}

export function entryOf(row: Row): Entry {
  return {
    attachment: { network: row.network, container: row.container, ifname: row.ifname },
    state: row.state,
    createdMs: row.created_ms,
    addresses: JSON.parse(row.addresses),
    netnsPath: row.netns_path,
    netnsDevice: BigInt(row.netns_device),
    netnsInode: BigInt(row.netns_inode),
    netnsCookie: BigInt(row.netns_cookie),
    bootId: row.boot_id,
    pid: row.pid,
    pidStart: BigInt(row.pid_start),
    pidNamespace: BigInt(row.pid_namespace),
    call: row.call_id,
    bridge: row.bridge,
    hostLink: row.host_link,
    ipamType: row.ipam_type,
    mac: row.mac ?? undefined,
    podNamespace: row.pod_namespace ?? undefined,
    podName: row.pod_name ?? undefined,
    aliases: parsed<string[]>(row.aliases),
    steps: parsed<unknown[]>(row.steps),
    goneMs: row.gone_ms ?? undefined,
    hasChained: row.has_chained ? true : undefined,
    delegated: parsed<Delegated>(row.delegated),
  };
}

function parsed<T>(json: string | null): T | undefined {
  return json === null ? undefined : (JSON.parse(json) as T);
}

/** chosen, subnets, cursors, adopted_from */
export type MemoryRow = [string | null, string, string, string | null];

export function memoryOf([chosen, subnets, cursors, adoptedFrom]: MemoryRow): NetworkMemory {
  return {
    chosen: chosen ?? undefined,
    subnets: JSON.parse(subnets),
    cursors: JSON.parse(cursors),
    adoptedFrom: adoptedFrom ?? undefined,
  };
}

export const nothingRemembered: NetworkMemory = { subnets: [], cursors: {} };
