/**
 * Limits of a container's traffic, by token buckets (tbf). A bucket delays only what leaves a link: the host's end of the
 * veth for received packets, and for sent ones an ifb, to which the host's end redirects all that arrives.
 */

import type { Limit } from "../conf/config/config.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hostLinkOfShaping, shapingLinkName } from "../kernel/linkNames.ts";
import { shapingGroup } from "../kernel/ownership.ts";
import type { Message } from "../netlink/message.ts";
import { createLink, deleteLink, linkFlag, listLinks } from "../netlink/route/link.ts";
import {
  addIngress,
  deleteBucket,
  deleteIngress,
  getBucket,
  redirectAll,
  replaceBucket,
} from "../netlink/route/qdisc.ts";
import { errno, tolerating } from "../sys/errors.ts";
import { type Kind, missing } from "./kind.ts";
import defer * as closedLoopback from "./link/closedLoopback.ts";
import { shellWord } from "./shellWords.ts";

export interface BandwidthStep {
  readonly kind: "bandwidth";
  /** The host's end of the container's link. */
  readonly host: string;
  /** The ifb that delays what the container sends. */
  readonly ifb: string;
  readonly mac: string;
  readonly group: number;
  readonly mtu: number;
  readonly ingress?: Limit;
  readonly egress?: Limit;
}

export type BandwidthKey = Pick<BandwidthStep, "ifb"> & Partial<BandwidthStep>;

const bitsPerByte = 8;

/** tbf counts in whole bytes. */
function bucketOf({ rate, burst }: Limit) {
  return { bytesPerSecond: Math.floor(rate / bitsPerByte), burstBytes: Math.floor(burst / bitsPerByte) };
}

export const bandwidth: Kind<BandwidthStep, BandwidthKey> = {
  apply({ host, ifb, mac, group, mtu, ingress, egress }, kernel) {
    const index = kernel.indexOf("host", host);
    if (ingress) kernel.request("host", replaceBucket({ index, text: host, ...bucketOf(ingress) }));
    if (!egress) return ingress !== undefined;
    kernel.request(
      "host",
      createLink({ name: ifb, address: mac, mtu, group, set: linkFlag.up, info: { kind: "ifb" } }),
    );
    try {
      kernel.forget("host", ifb);
      const ifbIndex = kernel.indexOf("host", ifb);
      kernel.request("host", replaceBucket({ index: ifbIndex, text: ifb, ...bucketOf(egress) }));
      // It may exist for the filter that keeps the container from 127.0.0.1.
      tolerating(() => kernel.request("host", addIngress(index, host)), errno.EEXIST);
      kernel.request("host", redirectAll(index, ifbIndex, host));
    } catch (error) {
      bandwidth.undo!({ host, ifb, egress }, kernel);
      throw error;
    }
    return true;
  },

  undo({ host, ifb, ingress, egress }, kernel) {
    const index = host === undefined ? undefined : kernel.link("host", host)?.index;
    if (index !== undefined && ingress) remove(deleteBucket(index, host!), kernel);
    if (index !== undefined && egress) unfilter({ index, name: host! }, kernel);
    if (egress || host === undefined) remove(deleteLink(ifb), kernel);
    kernel.forget("host", ifb);
  },

  // Without `host`, the ifb is all that is known.
  deletes: ({ host, ifb, egress }) => (host === undefined || egress ? ifb : undefined),

  leftover: { attachment: (attachment) => ({ ifb: shapingLinkName(attachment) }) },

  collect: {
    network(network, kept, kernel) {
      const group = shapingGroup(network);
      for (const link of listLinks(kernel.route("host"))) {
        if (link.group !== group || kept.has(hostLinkOfShaping(link.name ?? ""))) continue;
        tolerating(() => kernel.request("host", deleteLink(link)), errno.ENODEV);
      }
    },
  },

  check({ host, ifb, ingress, egress }, kernel) {
    return [...(ingress ? difference(kernel, host, ingress) : []), ...(egress ? difference(kernel, ifb, egress) : [])];
  },

  reason: () => "The rate of the container is limited: towards it on its port, from it on an ifb interface.",

  print({ host, ifb, mac, group, mtu, ingress, egress }) {
    const limit = (link: string, { rate, burst }: Limit) =>
      `tc qdisc replace dev ${shellWord(link)} root tbf rate ${rate}bit burst ${Math.floor(burst / bitsPerByte)} latency 25ms`;
    return [
      ...(ingress ? [limit(host, ingress)] : []),
      ...(egress
        ? [
            `ip link add ${ifb} address ${mac} mtu ${mtu} group ${group} type ifb`,
            `ip link set ${ifb} up`,
            limit(ifb, egress),
            `tc qdisc add dev ${shellWord(host)} ingress`,
            `tc filter add dev ${shellWord(host)} parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${ifb}`,
          ]
        : []),
    ];
  },
};

/** Removes the redirection and restores the filter that keeps a container from 127.0.0.1, which is on the same qdisc. */
function unfilter(link: { readonly index: number; readonly name: string }, kernel: Kernel): void {
  const wasClosed = closedLoopback.isClosed(link.index, kernel);
  remove(deleteIngress(link.index, link.name), kernel);
  if (wasClosed) tolerating(() => closedLoopback.close(link, kernel), errno.ENODEV); // it went meanwhile
}

/** It may be gone with its link. */
function remove(message: Message, kernel: Kernel): void {
  tolerating(() => kernel.request("host", message), errno.ENODEV, errno.ENOENT, errno.EINVAL);
}

function difference(kernel: Kernel, link: string, limit: Limit) {
  const index = kernel.link("host", link)?.index;
  if (index === undefined) return missing(`link ${link}`);
  const found = getBucket(kernel.route("host"), index);
  if (!found) return missing(`limit of ${link}`);
  const { bytesPerSecond } = bucketOf(limit);
  if (found.bytesPerSecond === bytesPerSecond) return [];
  const inBits = (bytes: number) => `${bytes * bitsPerByte} bit/s`;
  return [{ what: `limit of ${link}`, expected: inBits(bytesPerSecond), found: inBits(found.bytesPerSecond) }];
}
