/** Reads `links:`, in the short form `["r1 172.16.0.1/30", "r2 172.16.0.2/30"]` and in the long one. */
import type { Node } from "yaml";
import { type Cidr, parseAddress, parseCidr } from "../../ip/address.ts";
import type { LinkEnd, LinkEntry } from "./labFile.ts";
import type { Located, Place } from "./mistakes.ts";
import { refuseSmallMtu } from "./networks.ts";
import type { Reader } from "./reader.ts";

/** IPv4 needs 68 bytes (RFC 791); a veth can have 65535. */
const mtuLimits = [68, 65_535] as const;

export function readLinks(node: Node | undefined, reader: Reader): LinkEntry[] {
  return reader.items(node).flatMap((item) => readLink(item, reader) ?? []);
}

function readLink(node: Node, reader: Reader): LinkEntry | undefined {
  const found = reader.isMap(node) ? reader.known(node, "a link", ["ends", "mtu"] as const) : undefined;
  if (reader.isMap(node) && !found?.ends) return reader.report(reader.placeOf(node), "this link has no ends", example);
  const list = found ? found.ends!.node : node;
  const ends = reader.items(list).map((item) => readEnd(item, reader));
  const at = reader.placeOf(list);
  if (ends.length !== 2) return reader.report(at, `a link has two ends, and this one has ${ends.length}`, example);
  const [one, other] = ends;
  const mtu = found?.mtu && reader.number(found.mtu.node, "mtu", mtuLimits);
  if (mtu) refuseSmallMtu(mtu, [...(one?.addresses ?? []), ...(other?.addresses ?? [])], reader);
  return one && other && { at, ends: [one, other], mtu: mtu?.value };
}

const example = 'write ["r1 172.16.0.1/30", "r2 172.16.0.2/30"]';

/** `r1 172.16.0.1/30`, or `{ pod: r1, addresses: [172.16.0.1/30], name: eth9 }`. */
function readEnd(node: Node, reader: Reader): LinkEnd | undefined {
  if (reader.isMap(node)) {
    const found = reader.known(node, "an end of a link", ["pod", "addresses", "name"] as const);
    if (!found) return undefined;
    const pod = reader.text(found.pod?.node, "pod", reader.placeOf(node));
    const name = found.name && reader.text(found.name.node, "name", found.name.key.at);
    const addresses = reader.items(found.addresses?.node).flatMap((item) => {
      const text = reader.text(item, "an address of a link");
      return (text && cidrOf(text, reader)) ?? [];
    });
    return pod && { pod, addresses, name };
  }
  const text = reader.text(node, "an end of a link");
  if (text === undefined) return undefined;
  const words = [...text.value.matchAll(/\S+/g)].map((match) => partOf(text, match[0], match.index));
  const [pod, ...addresses] = words;
  if (pod === undefined) return reader.report(text.at, "an end of a link names no pod", example);
  return { pod, addresses: addresses.flatMap((one) => cidrOf(one, reader) ?? []) };
}

function cidrOf(text: Located<string>, reader: Reader): Located<Cidr> | undefined {
  const value = parseCidr(text.value);
  if (value) return { value, at: text.at };
  const suggestion = parseAddress(text.value) ? `write ${text.value}/30` : example;
  return reader.report(text.at, `${JSON.stringify(text.value)} is no address with a prefix length`, suggestion);
}

/** A part of a plain or quoted scalar, which is in the file as it is. */
function partOf({ value, at: [start, end] }: Located<string>, part: string, offset: number): Located<string> {
  const quote = end - start > value.length ? 1 : 0;
  const at: Place = [start + quote + offset, start + quote + offset + part.length];
  return { value: part, at };
}
