/** Published ports as elements of the maps and sets of step/ports/sets.ts: those that a step needs, and those that exist. */

import type { PortMapping } from "../../conf/config/config.ts";
import { inRows, portsIn } from "../../conf/config/portRow.ts";
import { formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import {
  deleteElements,
  type Element,
  type FoundElement,
  getElement,
  listElements,
} from "../../netlink/nft/element.ts";
import { concatenated, linkNameBytes } from "../../netlink/nft/set.ts";
import { hasTable } from "../../netlink/nft/table.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { table } from "../nft/table.ts";
import { hairpinSets, portMaps, waitingPorts } from "./sets.ts";

export interface TargetedMapping extends PortMapping {
  /** The container's address, without prefix length. */
  readonly target: string;
}

/** An element of a map of ports or of a hairpin set; for a mapping of several ports, as many consecutive elements. */
export interface Placed {
  readonly set: string;
  readonly element: Element;
  readonly mapping: TargetedMapping;
  /** Key and value in nft's syntax, for the port at that offset from the first. */
  text(offset: number): readonly [key: string, value?: string];
}

/** An existing element, and its set. */
export type InSet = FoundElement & { readonly set: string };

export const protocolNumber = { tcp: 6, udp: 17, sctp: 132 } as const;
/** For more ports than this, listing the whole set costs less than a request for each. */
const askedOneByOneMax = 16;

/** True also for a mapping without a host address. */
export const isAnyAddress = (hostIp: string | undefined) =>
  hostIp === undefined || hostIp === "0.0.0.0" || hostIp === "::";

export const bigEndian = (port: number) => Uint8Array.of(port >> 8, port & 0xff);

export function translationOf(mapping: TargetedMapping): Placed {
  const { protocol, hostPort, hostIp, containerPort } = mapping;
  const target = parseAddress(mapping.target)!;
  const isExact = !isAnyAddress(hostIp);
  const end = [Uint8Array.of(protocolNumber[protocol]), bigEndian(hostPort)];
  const key = isExact ? [addressBytes(parseAddress(hostIp!)!), ...end] : end;
  return {
    set: portMaps[`${isExact ? "exact" : "any"}${target.family}`].name,
    element: { key, value: [addressBytes(target), bigEndian(containerPort)], count: mapping.count },
    text: (offset) => [
      `${isExact ? `${hostIp} . ` : ""}${protocol} . ${hostPort + offset}`,
      `${mapping.target} . ${containerPort + offset}`,
    ],
    mapping,
  };
}

function hairpinOf(mapping: TargetedMapping, link: string): Placed {
  const { protocol, containerPort } = mapping;
  const target = parseAddress(mapping.target)!;
  const key = [linkNameBytes(link), Uint8Array.of(protocolNumber[protocol])];
  key.push(addressBytes(target), bigEndian(containerPort));
  return {
    set: hairpinSets[target.family].name,
    element: { key, count: mapping.count },
    text: (offset) => [`"${link}" . ${protocol} . ${mapping.target} . ${containerPort + offset}`],
    mapping,
  };
}

/** Without duplicates: several ports of the host may lead to one of the container. */
export function hairpinsOf(mappings: readonly TargetedMapping[], link: string | undefined): Placed[] {
  if (link === undefined) return [];
  const byTarget = mappings.map((mapping) => ({ ...mapping, hostPort: mapping.containerPort }));
  const placeOf = ({ protocol, target }: TargetedMapping) => `${protocol} ${target}`;
  return inRows(byTarget, placeOf, () => new Error("unreachable")).map((mapping) => hairpinOf(mapping, link));
}

export function bySet<T extends { readonly set: string }>(all: readonly T[]): [set: string, of: T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(one.set);
    if (group) group.push(one);
    else groups.set(one.set, [one]);
  }
  return [...groups];
}

export function removalOf(found: readonly InSet[]): Message[] {
  return bySet(found).flatMap(([set, of]) =>
    deleteElements(
      table,
      set,
      of.map(({ key }) => key),
    ),
  );
}

/** Equal for equal keys of one set. */
export const keyText = (set: string, key: Uint8Array) => `${set} ${Buffer.from(key).toString("latin1")}`;

/** The keys of consecutive elements. */
export function keysOf({ element: { key, count = 1 } }: Placed): Uint8Array[] {
  const first = concatenated(key);
  const keys = [first];
  const at = first.length - 4;
  for (let i = 1; i < count; i++) {
    const next = first.slice();
    next.set(bigEndian(((first[at]! << 8) | first[at + 1]!) + i), at);
    keys.push(next);
  }
  return keys;
}

/** The existing elements with the keys of `wanted`, of any attachment. */
export function presentElements(wanted: readonly Placed[], kernel: Kernel): InSet[] {
  if (portsIn(wanted.map(({ mapping }) => mapping)) <= askedOneByOneMax) {
    return wanted.flatMap((one) =>
      keysOf(one).flatMap((key): InSet[] => {
        const found = getElement(kernel.netfilter, table, one.set, key);
        return found ? [{ ...found, set: one.set }] : [];
      }),
    );
  }
  return bySet(wanted).flatMap(([set, of]) => {
    const keys = new Set(of.flatMap((one) => keysOf(one).map((key) => keyText(set, key))));
    return elementsOf(set, kernel).filter(({ key }) => keys.has(keyText(set, key)));
  });
}

function elementsOf(set: string, kernel: Kernel): InSet[] {
  return listElements(kernel.netfilter, table, set).map(({ key, value, comment }) => ({ set, key, value, comment }));
}

/** The table exists. Its maps may be an earlier version's, whose chain of rules has another name. */
export function isTableThere(kernel: Kernel): boolean {
  // A kernel without nf_tables has no rule of ours.
  return tolerating(() => hasTable(kernel.netfilter, table), errno.EINVAL, errno.EOPNOTSUPP) ?? false;
}

/** All elements of published ports of the host, of any attachment, without those that wait. */
export function publishedPorts(kernel: Kernel): InSet[] {
  if (!isTableThere(kernel)) return [];
  const sets = [...Object.values(portMaps), ...Object.values(hairpinSets)];
  return sets.flatMap(({ name }) => elementsOf(name, kernel));
}

export const waitingElements = (kernel: Kernel): InSet[] => elementsOf(waitingPorts.name, kernel);

/** True for an element that leads a port to a container. */
export const isTranslation = ({ set, value }: InSet) => value !== undefined && set !== waitingPorts.name;

/** The mapping that an element of a map contains. */
export function mappingIn({ set, key, value = new Uint8Array(20) }: InSet): TargetedMapping {
  const bytes = set.startsWith("ports6") ? 16 : 4;
  const at = set.endsWith("-at") ? bytes : 0;
  const text = (raw: Uint8Array) => formatAddress(addressFromBytes(raw));
  const number = key[at]!;
  return {
    protocol: number === protocolNumber.udp ? "udp" : number === protocolNumber.tcp ? "tcp" : "sctp",
    hostPort: (key[at + 4]! << 8) | key[at + 5]!,
    hostIp: at > 0 ? text(key.subarray(0, bytes)) : undefined,
    target: text(value.subarray(0, bytes)),
    containerPort: (value[bytes]! << 8) | value[bytes + 1]!,
  };
}
