/** VLANs of a bridge's ports: RTM_SETLINK and its like for AF_BRIDGE, IFLA_AF_SPEC, struct bridge_vlan_info (linux/if_bridge.h). */
import { attributes, joined, list, struct, u16, u32 } from "../codec.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { interfaceType, linkHeader } from "./link.ts";

const bridgeFamily = 7;

/** BRIDGE_VLAN_INFO_*. */
const vlanFlag = { pvid: 2, untagged: 4, rangeBegin: 8, rangeEnd: 16 } as const;

/** RTEXT_FILTER_BRVLAN_COMPRESSED: ranges instead of a VLAN each. */
const withVlans = 4;

const vlanInfo = struct({ flags: u16, id: u16 });

const portAttributes = attributes({
  /** Without the mark of a nest, as `bridge` writes it; IFLA_BRIDGE_VLAN_INFO each. */
  vlans: [26, { ...list(2, vlanInfo), nested: false }],
  /** IFLA_EXT_MASK. */
  extended: [29, u32],
});

export interface PortVlan {
  readonly first: number;
  /** Absent: `first` alone. */
  readonly last?: number;
  /** Of frames that come in without a tag; they leave without one. */
  readonly isNative?: boolean;
}

/** The port is in these VLANs, too. The index is that of the port. */
export function addPortVlans(what: string, index: number, vlans: readonly PortVlan[]): Message {
  return { what, type: interfaceType.set, flags: 0, payload: payload(index, vlans) };
}

/** The port is no more in these. Refused with ENOENT when it was not. */
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
