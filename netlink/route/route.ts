/** Routes: struct rtmsg and RTA_* (linux/rtnetlink.h). */

import { errno, tolerating } from "../../sys/errors.ts";
import { aligned, attributes, bytes, type Codec, joined, nest, struct, u8, u16, u32, type Values } from "../codec.ts";
import { type Frame, flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { familyOfBytes } from "./address.ts";

export const routeType = { create: 24, delete: 25, get: 26 } as const;

// RTPROT_KERNEL and _STATIC, RT_SCOPE_*, RTN_UNICAST, RT_TABLE_MAIN
const protocolKernel = 2;
const protocolStatic = 4;
export const routeKind = { unicast: 1, local: 2 } as const;
/** RTNH_F_ONLINK: the gateway is a neighbour on the link, though no address of the link says so. */
export const onLink = 4;
export const routeScope = { universe: 0, link: 253, host: 254 } as const;
export const mainTable = 254;
const tableInHeaderMax = 255;

/** struct rtmsg */
export const routeHeader = struct({
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  kind: u8,
  flags: u32,
});

/** RTAX_*: bytes. */
const metrics = attributes({ mtu: [2, u32], advmss: [8, u32] });

/** struct rtnexthop: the next hops of one IPv6 route, which the kernel lists together. */
const nextHop = struct({ length: u16, flags: u8, hops: u8, outIndex: u32 });
const ways: Codec<readonly Way[]> = {
  put: () => new Uint8Array(0),
  get(raw) {
    const found: Way[] = [];
    for (let at = 0; raw.length - at >= nextHop.size; ) {
      const { length = 0, outIndex = 0 } = nextHop.get(raw, at);
      if (length < nextHop.size || length > raw.length - at) break;
      const { gateway } = routeAttributes.get(raw.subarray(at + nextHop.size, at + length));
      found.push({ outIndex, gateway });
      at += aligned(length);
    }
    return found;
  },
};

interface Way {
  readonly outIndex: number;
  readonly gateway: Uint8Array | undefined;
}

const routeAttributes = attributes({
  destination: [1, bytes],
  outIndex: [4, u32],
  gateway: [5, bytes],
  priority: [6, u32],
  preferredSource: [7, bytes],
  metrics: [8, nest(metrics)],
  ways: [9, ways],
  table: [15, u32],
});

export interface Route extends Values<(typeof routeAttributes)["table"]> {
  /** AF_INET 2, AF_INET6 10. */
  readonly family: number;
  readonly dstLength: number;
  readonly scope: number;
  readonly kind: number;
  readonly protocol: number;
  /** RTNH_F_*. */
  readonly flags?: number | undefined;
}

export const routePayload: Codec<Route> = {
  put({ family, dstLength, scope, kind, protocol, flags: ofHop, ...values }) {
    const table = values.table ?? mainTable;
    const inHeader = table <= tableInHeaderMax ? table : 0;
    const head = routeHeader.put({ family, dstLength, table: inHeader, protocol, scope, kind, flags: ofHop });
    return joined([head, routeAttributes.put({ ...values, table: inHeader === table ? undefined : table })]);
  },
  get(raw) {
    const {
      table = 0,
      family = 0,
      dstLength = 0,
      scope = 0,
      kind = 0,
      protocol = 0,
      flags: ofHop,
    } = routeHeader.get(raw);
    const values = routeAttributes.get(raw.subarray(routeHeader.size));
    return { table, ...values, family, dstLength, scope, kind, protocol, flags: ofHop };
  },
};

export interface RouteRequest {
  /** Words for messages: `default via 10.1.0.1`. */
  readonly text: string;
  /** 4 or 16 bytes; with `dstLength` 0 the default route. */
  readonly destination: Uint8Array;
  readonly dstLength: number;
  readonly outIndex: number;
  readonly gateway?: Uint8Array | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  readonly priority?: number | undefined;
  readonly table?: number | undefined;
  readonly scope?: number | undefined;
  /** The source address of packets that have none yet (RTA_PREFSRC). */
  readonly preferredSource?: Uint8Array | undefined;
  /** The gateway is a neighbour on the link, though no address of the link says so. */
  readonly isOnLink?: true | undefined;
  /** Marks the route as created by the kernel (RTPROT_KERNEL). */
  readonly byKernel?: boolean;
}

/** Adds a route. Refused with EEXIST if one has the same destination, table and priority. */
export function addRoute(request: RouteRequest): Message {
  return routeMessage(`add route ${request.text}`, routeType.create, flags.create | flags.exclusive, request);
}

/** Adds a route beside others to the same destination. Refused with EEXIST if this very route exists. */
export function addRouteBeside(request: RouteRequest): Message {
  return routeMessage(`add route ${request.text}`, routeType.create, flags.create, request);
}

/** Deletes a route, whatever its protocol. */
export function deleteRoute(request: RouteRequest): Message {
  return routeMessage(`delete route ${request.text}`, routeType.delete, 0, request);
}

function routeMessage(what: string, type: number, messageFlags: number, request: RouteRequest): Message {
  const {
    destination,
    dstLength,
    outIndex,
    gateway,
    priority,
    table,
    mtu,
    advmss,
    preferredSource,
    isOnLink,
    byKernel,
  } = request;
  const isIpv4 = destination.length === 4;
  return {
    what,
    type,
    flags: messageFlags,
    payload: routePayload.put({
      family: isIpv4 ? 2 : 10,
      dstLength,
      // A destination without a gateway is on the link. IPv6 routes have no scope.
      scope: request.scope ?? (isIpv4 && !gateway ? routeScope.link : routeScope.universe),
      kind: routeKind.unicast,
      protocol: type === routeType.delete ? 0 : byKernel ? protocolKernel : protocolStatic,
      destination: dstLength === 0 ? undefined : destination,
      outIndex,
      gateway,
      priority,
      preferredSource,
      metrics: mtu === undefined && advmss === undefined ? undefined : { mtu, advmss },
      table,
      flags: isOnLink && onLink,
    }),
  };
}

/** The route that the kernel takes to an address; undefined if it has none. */
export function lookUpRoute(socket: NetlinkSocket, destination: Uint8Array): Route | undefined {
  const payload = routePayload.put({
    family: familyOfBytes(destination),
    dstLength: destination.length * 8,
    scope: 0,
    kind: 0,
    protocol: 0,
    table: 0,
    destination,
  });
  const message: Message = { what: "look up a route", type: routeType.get, flags: 0, payload };
  const { ENETUNREACH, ESRCH, EINVAL, EACCES, EHOSTUNREACH } = errno;
  const frame = tolerating(() => socket.lookUp(message), ENETUNREACH, ESRCH, EINVAL, EACCES, EHOSTUNREACH);
  return frame && routePayload.get(frame.payload);
}

/** A table exists as soon as it has a route. One that does not exist (ENOENT) has none. */
function dumped(socket: NetlinkSocket, message: Message): Frame[] {
  return tolerating(() => socket.dump(message), errno.ENOENT) ?? [];
}

/**
 * The routes of a family (2 or 10; 0 for both), optionally of one table or one link. Each next hop is a route of its
 * own here.
 */
export function listRoutes(
  socket: NetlinkSocket,
  family: number,
  filter: { table?: number; outIndex?: number } = {},
): Route[] {
  const payload = routePayload.put({ family, dstLength: 0, scope: 0, kind: 0, protocol: 0, table: 0, ...filter });
  return dumped(socket, { what: "list routes", type: routeType.get, flags: 0, payload })
    .map((frame) => routePayload.get(frame.payload))
    .filter((route) => filter.table === undefined || route.table === filter.table)
    .flatMap(({ ways: several, ...route }) => several?.map((way) => ({ ...route, ...way })) ?? [route]);
}
