/**
 * Ports that the reference's portmap published for running containers; the store does not know them, and no program
 * listens on them. With iptables, the chain CNI-HOSTPORT-DNAT jumps to a chain per container, whose DNAT rules are the
 * published ports; with nftables, one chain has them all (nftables.ts).
 */

import type { Attachment } from "../conf/attachment.ts";
import type { PortMapping } from "../conf/config/config.ts";
import { hasPort } from "../conf/config/portRow.ts";
import { code, Fault } from "../conf/fault.ts";
import { type Family, formatAddress, parseAddress, withoutPrefix } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { savedRules } from "./iptables.ts";
import { hostPortChain, nftPortChain, nftPortTable, portChains } from "./names.ts";
import { publishedByNft } from "./nftables.ts";

/** Throws Fault (code.tryAgain) that names another container which has one of the ports. */
export function refusePublished(
  mappings: readonly PortMapping[],
  attachment: Attachment,
  version: Family,
  kernel: Kernel,
): void {
  const own = portChains(attachment);
  const byIptables = publishedIn(savedRules(version, "nat", kernel) ?? "").filter(
    ({ chain, holder }) => !own.includes(chain) && !holder.endsWith(`/${attachment.container}`),
  );
  const byNft = publishedByNft(version, kernel)
    .filter(({ container }) => container !== attachment.container)
    .map(({ container, ...one }) => ({ ...one, holder: container, chain: `${nftPortChain} of table ${nftPortTable}` }));
  for (const { chain, holder, protocol, port, hostIp } of [...byIptables, ...byNft]) {
    const isMeant = (one: PortMapping) =>
      one.protocol === protocol && hasPort(one, port) && overlaps(one.hostIp, hostIp);
    const clash = mappings.find(isMeant);
    if (clash) throw taken({ ...clash, hostPort: port }, holder, chain, hostIp);
  }
}

interface Published {
  readonly chain: string;
  /** The network and the container, if the rule's comment has them. */
  readonly holder: string;
  readonly protocol: string;
  readonly port: number;
  /** Absent: every address of the family. */
  readonly hostIp?: string | undefined;
}

/** `saved`: the output of iptables-save. */
export function publishedIn(saved: string): Published[] {
  const holders = new Map<string, string>();
  const found: Published[] = [];
  const lines = saved.split("\n");
  for (const line of lines) {
    const chain = line.startsWith(`-A ${hostPortChain} `) ? / -j (\S+)$/.exec(line)?.[1] : undefined;
    const [, network, container] = /dnat name: \\"([^"\\]*)\\" id: \\"([^"\\]*)/.exec(line) ?? [];
    if (chain !== undefined) holders.set(chain, container === undefined ? "" : `${network}/${container}`);
  }
  for (const line of lines) {
    const [, chain = "", address, protocol, port] =
      /^-A (\S+) (?:-d (\S+) )?-p (tcp|udp|sctp) .*--dport (\d+) .*-j DNAT /.exec(line) ?? [];
    const holder = holders.get(chain);
    if (holder === undefined) continue;
    const hostIp = address && withoutPrefix(address);
    found.push({ chain, holder, protocol: protocol!, port: Number(port), hostIp });
  }
  return found;
}

/** Compares addresses of one family; of the second, as a rule has it. */
export function overlaps(asked: string | undefined, published: string | undefined): boolean {
  if (asked === undefined || asked === "0.0.0.0" || asked === "::" || published === undefined) return true;
  return asked === formatAddress(parseAddress(published)!);
}

function taken({ protocol, hostPort, hostIp }: PortMapping, holder: string, chain: string, on = ""): Fault {
  return new Fault(
    code.tryAgain,
    `Cannot publish port ${hostPort}/${protocol}${hostIp ? ` on ${hostIp}` : ""}: ${holder || "a container"} has it` +
      `${on && ` on ${on}`}, by chain ${chain} that another plugin made`,
    "Delete that attachment, or publish another port",
  );
}
