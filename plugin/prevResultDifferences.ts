/**
 * Compares `prevResult` with the result of ADD, for CHECK. A later chained plugin may have added to it and changed the
 * container's hardware address and MTU; it does not remove an interface or move it to another namespace.
 */

import type { Request } from "../conf/request.ts";
import type { Result, ResultInterface, Route } from "../conf/result/result.ts";
import { contains, formatAddress, networkOf, parseAddress, parseCidr } from "../ip/address.ts";
import { addressFromBytes } from "../ip/bytes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { addressFamily } from "../netlink/route/address.ts";
import { listRoutes } from "../netlink/route/route.ts";
import { givenBy, type Step, stepsOf } from "../step/index.ts";
import { type Difference, missing } from "../step/kind.ts";
import type { Entry } from "../store/entry.ts";
import { isSameNetns, type Netns, netnsIdentity } from "../sys/netns.ts";

/** `entry` must have steps. */
export function prevResultDifferences(request: Request, entry: Entry, netns: Netns, kernel: Kernel): Difference[] {
  const { attachment, config } = request;
  const { interfaces, ips, routes } = config.prevResult!;
  const steps = stepsOf(entry);
  return [
    ...containerDifferences(attachment.ifname, interfaces, netns),
    ...hostDifferences(steps, interfaces),
    ...gatewayDifferences(ips, entry, steps),
    ...routes.flatMap((route) => (isOurs(route, steps) || isInKernel(route, kernel) ? [] : missing(textOf(route)))),
  ];
}

function containerDifferences(ifname: string, told: readonly ResultInterface[], netns: Netns): Difference[] {
  const inner = told.find(({ name, sandbox }) => name === ifname && sandbox !== undefined);
  if (!inner) return missing(`interface ${ifname} with its sandbox in prevResult`);
  if (inner.sandbox === netns.path) return [];
  // Another path may lead to the same namespace.
  const found = netnsIdentity(inner.sandbox!);
  if (found && isSameNetns(found, netns)) return [];
  return [{ what: `sandbox of ${ifname} in prevResult`, expected: netns.path, found: inner.sandbox! }];
}

function hostDifferences(steps: readonly Step[], told: readonly ResultInterface[]): Difference[] {
  return steps.flatMap((step) => {
    const { hostEnd } = givenBy(step);
    if (!hostEnd) return [];
    const { name, mac, bridge } = hostEnd;
    return [...(bridge ? [{ name: bridge }] : []), { name, mac }].flatMap((one) => hostDifference(one, told));
  });
}

function hostDifference({ name, mac }: ResultInterface, told: readonly ResultInterface[]): Difference[] {
  const found = told.find((one) => one.name === name && one.sandbox === undefined);
  if (!found) return missing(`interface ${name} of the host in prevResult`);
  if (!mac || !found.mac || found.mac.toLowerCase() === mac) return [];
  return [{ what: `mac of ${name} in prevResult`, expected: mac, found: found.mac }];
}

/** If the lease has no gateway, the bridge has it. */
function gatewayDifferences(ips: Result["ips"], { addresses }: Entry, steps: readonly Step[]): Difference[] {
  const ofBridge = steps.flatMap((step) => {
    const { address } = givenBy(step);
    return address?.where === "host" ? [parseCidr(address.cidr)!] : [];
  });
  return ips.flatMap(({ address, gateway: found }) => {
    const lease = addresses.find((one) => one.address === address);
    if (!lease || found === undefined) return [];
    const told = parseAddress(found)!;
    const isOfBridge = ofBridge.some(({ family, value }) => family === told.family && value === told.value);
    const expected =
      lease.gateway ?? ofBridge.filter((one) => contains(networkOf(parseCidr(address)!), one)).map(formatAddress)[0];
    if (expected === undefined || expected === found || (lease.gateway === undefined && isOfBridge)) return [];
    return [{ what: `gateway of ${address} in prevResult`, expected, found }];
  });
}

/** One of ours is compared with the kernel as its step. */
function isOurs({ dst, gw }: Route, steps: readonly Step[]): boolean {
  return steps.some((step) => {
    const { route } = givenBy(step);
    return route?.dst === dst && route.gw === gw;
  });
}

/** A route of another plugin exists, in any table: sbr and vrf use tables of their own. */
function isInKernel({ dst, gw }: Route, kernel: Kernel): boolean {
  const { family, value, prefixLength } = networkOf(parseCidr(dst)!);
  const via = gw === undefined ? undefined : parseAddress(gw)!.value;
  return listRoutes(kernel.route("container"), addressFamily[family]).some(({ destination, dstLength, gateway }) => {
    if (dstLength !== prefixLength || (destination ? addressFromBytes(destination).value : 0n) !== value) return false;
    return via === undefined || (gateway !== undefined && addressFromBytes(gateway).value === via);
  });
}

function textOf({ dst, gw }: Route): string {
  return `route ${dst}${gw === undefined ? "" : ` via ${gw}`} of prevResult in the container`;
}
