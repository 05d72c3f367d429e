/**
 * Ports that wait. A runtime requests the same ports for each network of a container: the first attachment gets them, the
 * others wait. Waiting ports are elements of a map of nf_tables that no rule reads. So one batch moves a port from one
 * attachment to the next, and the store need not know.
 */

import type { Attachment } from "../../conf/attachment.ts";
import { onePortEach } from "../../conf/config/portRow.ts";
import { familyOf, parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { ownerInMark, ownerMark } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { addElements, deleteElements, type Element } from "../../netlink/nft/element.ts";
import { linkNameBytes, newSet } from "../../netlink/nft/set.ts";
import { table } from "../nft/table.ts";
import {
  bigEndian,
  bySet,
  type InSet,
  isAnyAddress,
  isTranslation,
  keyText,
  protocolNumber,
  type TargetedMapping,
} from "./elements.ts";
import { portMaps, waitingPorts } from "./sets.ts";

/** NFTA_SET_ID: unique in a batch, which may contain the sets of rules.ts, too. */
const waitingId = 301;

/** The 16 bytes of an address; `::ffff:192.0.2.1` for IPv4. */
function inSixteen(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes;
  const out = new Uint8Array(16);
  out.fill(0xff, 10, 12);
  out.set(bytes, 12);
  return out;
}

const isMapped = (bytes: Uint8Array) => bytes[10] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0);
const shortened = (bytes: Uint8Array) => (isMapped(bytes) ? bytes.slice(12) : bytes);

/** The waiting element of one port of an attachment. */
export function waitingElement(mapping: TargetedMapping, attachment: Attachment): Element {
  const { protocol, hostPort, hostIp, containerPort } = mapping;
  const target = addressBytes(parseAddress(mapping.target)!);
  const host = isAnyAddress(hostIp) ? new Uint8Array(target.length) : addressBytes(parseAddress(hostIp!)!);
  const link = linkNameBytes(hostLinkName(attachment));
  return {
    key: [link, inSixteen(host), Uint8Array.of(protocolNumber[protocol]), bigEndian(hostPort)],
    value: [inSixteen(target), bigEndian(containerPort)],
    comment: ownerMark(attachment),
  };
}

/** Key and value of the same element in nft's syntax. */
export function waitingText({ protocol, hostPort, hostIp, containerPort, target }: TargetedMapping, link: string) {
  const six = (address: string) => (familyOf(address) === 6 ? address : `::ffff:${address}`);
  const any = familyOf(target) === 6 ? "::" : "0.0.0.0";
  const host = six(isAnyAddress(hostIp) ? any : hostIp!);
  return [`"${link}" . ${host} . ${protocol} . ${hostPort}`, `${six(target)} . ${containerPort}`] as const;
}

export function waitingAdditions(mappings: readonly TargetedMapping[], attachment: Attachment): Message[] {
  if (mappings.length === 0) return [];
  const elements = mappings.map((mapping) => waitingElement(mapping, attachment));
  return [newSet(table, waitingPorts, waitingId), ...addElements(table, waitingPorts.name, elements)];
}

/** The map's element that a waiting one becomes. */
function translationIn({ key, value = new Uint8Array(0), comment }: InSet) {
  const [host, end] = [key.subarray(16, 32), key.slice(32)];
  const target = shortened(value.subarray(0, 16));
  const isExact = shortened(host).some((byte) => byte !== 0);
  const set = portMaps[`${isExact ? "exact" : "any"}${target.length === 4 ? 4 : 6}`].name;
  const element: Element = {
    key: isExact ? [shortened(host), end] : [end],
    value: [target, value.slice(16)],
    comment,
  };
  return { set, key: Uint8Array.from(element.key.flatMap((bytes) => [...bytes])), element };
}

/** Gives the ports that `removed` frees to waiting attachments; if several wait, to the first interface of the container. */
export function handedOn(removed: readonly InSet[], waiting: readonly InSet[]): Message[] {
  if (waiting.length === 0) return [];
  const [free, gone] = [new Set<string>(), new Set<string>()];
  for (const one of removed) (isTranslation(one) ? free : gone).add(keyText(one.set, one.key));
  const next = new Map<string, InSet>();
  for (const one of waiting) {
    if (gone.has(keyText(one.set, one.key))) continue;
    const { set, key } = translationIn(one);
    const port = keyText(set, key);
    const other = next.get(port);
    if (free.has(port) && (other === undefined || comesBefore(one, other))) next.set(port, one);
  }
  const chosen = [...next.values()];
  return [
    ...deleteElements(
      table,
      waitingPorts.name,
      chosen.map(({ key }) => key),
    ),
    ...bySet(chosen.map(translationIn)).flatMap(([set, of]) =>
      addElements(
        table,
        set,
        of.map(({ element }) => element),
      ),
    ),
  ];
}

/** Runtimes number interfaces in the order of a container's networks: `eth9` before `eth10`. */
function comesBefore(a: InSet, b: InSet): boolean {
  const [one, other] = [a, b].map(({ comment = "" }) => ownerInMark(comment).ifname);
  return one!.length === other!.length ? one! < other! : one!.length < other!.length;
}

/** The ports that do not wait, one by one. */
export function heldOf(mappings: readonly TargetedMapping[], attachment: Attachment, waiting: readonly InSet[]) {
  const own = waiting.filter(({ comment }) => comment === ownerMark(attachment));
  if (own.length === 0) return mappings;
  const keys = new Set(own.map(({ set, key }) => keyText(set, key)));
  return mappings.flatMap(onePortEach).filter((mapping) => !keys.has(keyTextOf(waitingElement(mapping, attachment))));
}

export function keyTextOf({ key }: Element): string {
  const [link, host, [number = 0] = [], port] = key as Uint8Array[];
  return keyText(waitingPorts.name, Uint8Array.from([...link!, ...host!, number, 0, 0, 0, ...port!, 0, 0]));
}
