/**
 * Host ports in use by a program or by a container that the store does not know: a listening program, or a pod of the
 * reference's portmap. Checked only if the request publishes ports.
 *
 * Translation comes before programs of the host, so a port published over a listener silently takes it out of service.
 * A port that bind(2) accepts has no listener, which is quick to test. Only if it fails does listeners.ts read
 * /proc/net to name the program: 3 ms a table, because the kernel walks the whole hash.
 *
 * The reference's portmap has its own chain, with iptables and with nftables. If the chain exists, it has published
 * ports.
 */

import type { Attachment } from "../../conf/attachment.ts";
import type { PortMapping } from "../../conf/config/config.ts";
import { onePortEach, portsIn } from "../../conf/config/portRow.ts";
import { type Families, familyOf, parseAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { family } from "../../netlink/nft/message.ts";
import { hostPortChain, nftPortChain, nftPortTable } from "../../reference/names.ts";
import defer * as publishedPorts from "../../reference/publishedPorts.ts";
import { errno } from "../../sys/errors.ts";
import { bindRefusal } from "../../sys/sysRare.ts";
import defer * as listeners from "./listeners.ts";

export interface Asked {
  readonly mappings: readonly PortMapping[];
  readonly attachment: Attachment;
  /** Families of the container's addresses: a listener of another family is no conflict. */
  readonly families: Families;
}

/** Throws Fault (code.tryAgain) that names the holder of a port if it can be found. */
export function refuseTaken({ mappings, attachment, families }: Asked, kernel: Kernel): void {
  const isOf = (hostIp: string | undefined, family: 4 | 6) => hostIp === undefined || familyOf(hostIp) === family;
  // A mapping of another family leads nowhere.
  const leading = mappings.filter(({ hostIp }) => families.some((family) => isOf(hostIp, family)));
  kernel.at<void>("host", () => refuseListeners(leading, families));
  for (const version of families) {
    const asked = leading.filter(({ hostIp }) => isOf(hostIp, version));
    if (asked.length === 0 || !hasReferencePorts(version, kernel)) continue;
    publishedPorts.refusePublished(asked, attachment, version, kernel);
  }
}

const nfFamily = { 4: family.ipv4, 6: family.ipv6 } as const;

function hasReferencePorts(version: 4 | 6, kernel: Kernel): boolean {
  const has = (name: string, chain: string) =>
    getChain(kernel.netfilter, { family: nfFamily[version], name }, chain) !== undefined;
  return has("nat", hostPortChain) || has(nftPortTable, nftPortChain);
}

/** With more ports, reading the kernel's tables of sockets is faster than bind(2). */
const boundMax = 200;

function refuseListeners(mappings: readonly PortMapping[], families: Families): void {
  if (portsIn(mappings) <= boundMax && mappings.every((mapping) => isRowFree(mapping, families))) return;
  listeners.refuseListening(mappings, families);
}

function isRowFree(mapping: PortMapping, families: Families): boolean {
  if (mapping.count === undefined) return isFree(mapping, families);
  return onePortEach(mapping).every((one) => isFree(one, families));
}

/** A port that is free in both families is free in one. */
function isFree({ protocol, hostIp, hostPort }: PortMapping, families: Families): boolean {
  if (protocol === "sctp") return true;
  const refusalOf = (text: string) => bindRefusal(protocol, addressBytes(parseAddress(text)!), hostPort);
  if (hostIp !== undefined) return refusalOf(hostIp) === 0;
  if (!families.includes(6)) return refusalOf("0.0.0.0") === 0;
  const refusal = refusalOf("::");
  return (refusal === errno.EAFNOSUPPORT ? refusalOf("0.0.0.0") : refusal) === 0;
}
