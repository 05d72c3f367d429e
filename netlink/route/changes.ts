/** Changes of links, addresses and settings, as the kernel reports them to groups of rtnetlink (linux/rtnetlink.h). */
import { attributes, i32 } from "../codec.ts";
import type { Frame } from "../message.ts";
import { type Link, linkFlag, linkPayload } from "./link.ts";

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
  | { readonly is: "link removed" | "link down"; readonly link: Link }
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

/** NETCONFA_*. The header is the address family, padded. */
const settings = attributes({ index: [1, i32], forwarding: [2, i32] });
const settingsHeaderBytes = 4;
/** NETCONFA_IFINDEX_ALL */
const ofAll = -1;

/** Answers undefined for a change that only adds, and for one that cannot matter to a network of containers. Throws WireError. */
export function routeEventOf({ type: kind, payload }: Frame): RouteEvent | undefined {
  switch (kind) {
    case type.newLink: {
      if (payload[0] === bridgeFamily) return undefined;
      const link = linkPayload.get(payload);
      return link.info?.kind !== undefined && (link.flags & linkFlag.up) === 0 ? { is: "link down", link } : undefined;
    }
    case type.deleteLink: {
      const link = linkPayload.get(payload);
      return payload[0] === bridgeFamily ? { is: "port removed", index: link.index } : { is: "link removed", link };
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
