/**
 * VLANs of a bridge's ports: RTM_SETLINK and its relatives for AF_BRIDGE, IFLA_AF_SPEC, struct bridge_vlan_info
 * (linux/if_bridge.h).
 */
import { attributes, joined, list, struct, u16, u32 } from "../codec.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { interfaceType, linkHeader } from "./link.ts";

const bridgeFamily = 7;

/** BRIDGE_VLAN_INFO_*. */
const vlanFlag = { pvid: 2, untagged: 4, rangeBegin: 8, rangeEnd: 16 } as const;

/** RTEXT_FILTER_BRVLAN_COMPRESSED: ranges instead of single VLANs. */
const withVlans = 4;

const vlanInfo = struct({ flags: u16, id: u16 });

const portAttributes = attributes({
  /** IFLA_BRIDGE_VLAN_INFO each. Without NLA_F_NESTED, as `bridge` writes it. */
  vlans: [26, { ...list(2, vlanInfo), nested: false }],
  /** IFLA_EXT_MASK. */
  extended: [29, u32],
});

export interface PortVlan {
  readonly first: number;
  /** Absent: only `first`. */
  readonly last?: number;
  /** The VLAN of frames that come in without a tag; they leave without one. */
  readonly isNative?: boolean;
}

/** Adds the port with this index to VLANs. */
export function addPortVlans(what: string, index: number, vlans: readonly PortVlan[]): Message {
  return { what, type: interfaceType.set, flags: 0, payload: payload(index, vlans) };
}

/** Removes the port with this index from VLANs. Refused with ENOENT if it is not in one. */
export function deletePortVlans(what: string, index: number, vlans: readonly PortVlan[]): Message {
  return { what, type: interfaceType.delete, flags: 0, payload: payload(index, vlans) };
}

function payload(index: number, vlans: readonly PortVlan[]): Uint8Array {
  const header = linkHeader.put({ family: bridgeFamily, index });
  return joined([header, portAttributes.put({ vlans: vlans.flatMap(infosOf) })]);
}

function infosOf({ first, last = first, isNative }: PortVlan) {
  const flags = isNative ? vlanFlag.pvid | vlanFlag.untagged : 0;
  if (first === last) return [{ flags, id: first }];
  return [
    { flags: flags | vlanFlag.rangeBegin, id: first },
    { flags: flags | vlanFlag.rangeEnd, id: last },
  ];
}

/** The VLANs of every port of every bridge, and of the bridges themselves, by index. */
export function listPortVlans(socket: NetlinkSocket): Map<number, PortVlan[]> {
  const found = new Map<number, PortVlan[]>();
  const request = joined([linkHeader.put({ family: bridgeFamily }), portAttributes.put({ extended: withVlans })]);
  for (const frame of socket.dump({
    what: "list the VLANs of bridge ports",
    type: interfaceType.get,
    flags: 0,
    payload: request,
  })) {
    const { index = 0 } = linkHeader.get(frame.payload);
    const { vlans = [] } = portAttributes.get(frame.payload.subarray(linkHeader.size));
    found.set(index, [...(found.get(index) ?? []), ...vlansOf(vlans)]);
  }
  return found;
}

function vlansOf(
  infos: readonly { readonly flags?: number | undefined; readonly id?: number | undefined }[],
): PortVlan[] {
  const vlans: PortVlan[] = [];
  let begin: number | undefined;
  for (const { flags = 0, id = 0 } of infos) {
    if (flags & vlanFlag.rangeBegin) begin = id;
    else {
      vlans.push({ first: begin ?? id, last: id, isNative: (flags & vlanFlag.pvid) !== 0 });
      begin = undefined;
    }
  }
  return vlans;
}
