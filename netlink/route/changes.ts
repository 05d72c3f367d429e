/** Changes of links, addresses and settings, as the kernel reports them to groups of rtnetlink (linux/rtnetlink.h). */
import { attributes, i32, text } from "../codec.ts";
import type { Frame } from "../message.ts";
import { linkFlag, linkHeader } from "./link.ts";

/** RTNLGRP_* */
export const routeEventGroups = {
  link: 1,
  tc: 4,
  ipv4Address: 5,
  ipv6Address: 9,
  ipv4Settings: 24,
  ipv6Settings: 25,
} as const;

export type RouteEvent =
  | { readonly is: "link removed" | "link down"; readonly index: number; readonly kind: string | undefined }
  /** A bridge lost a port, which may be gone itself. */
  | { readonly is: "port removed"; readonly index: number }
  | { readonly is: "address removed" | "filter removed" | "forwarding off" };

const type = {
  newLink: 16,
  deleteLink: 17,
  deleteAddress: 21,
  deleteQdisc: 37,
  deleteFilter: 45,
  newSettings: 80,
} as const;
const bridgeFamily = 7;

/** The kind of link alone: events come by the thousand, and a link has dozens of attributes. IFLA_LINKINFO, IFLA_INFO_KIND */
const kindAttribute = attributes({ info: [18, attributes({ kind: [1, text] })] });
const kindOf = (payload: Uint8Array) => kindAttribute.get(payload.subarray(linkHeader.size)).info?.kind;

/** NETCONFA_*. The header is the address family, padded. */
const settings = attributes({ index: [1, i32], forwarding: [2, i32] });
const settingsHeaderBytes = 4;
/** NETCONFA_IFINDEX_ALL */
const ofAll = -1;

/** Answers undefined for a change that only adds, and for one that cannot matter to a network of containers. Throws WireError. */
export function routeEventOf({ type: kind, payload }: Frame): RouteEvent | undefined {
  switch (kind) {
    case type.newLink: {
      const { family, index = 0, flags = 0 } = linkHeader.get(payload);
      if (family === bridgeFamily || (flags & linkFlag.up) !== 0) return undefined;
      return { is: "link down", index, kind: kindOf(payload) };
    }
    case type.deleteLink: {
      const { family, index = 0 } = linkHeader.get(payload);
      if (family === bridgeFamily) return { is: "port removed", index };
      return { is: "link removed", index, kind: kindOf(payload) };
    }
    case type.deleteAddress:
      return { is: "address removed" };
    case type.deleteQdisc:
    case type.deleteFilter:
      return { is: "filter removed" };
    case type.newSettings: {
      const { index, forwarding } = settings.get(payload.subarray(settingsHeaderBytes));
      return index === ofAll && forwarding === 0 ? { is: "forwarding off" } : undefined;
    }
    default:
      return undefined;
  }
}
