/**
 * Ports that the reference's portmap published for pods that run: of them neither the store nor a listener tells. With
 * iptables its chain CNI-HOSTPORT-DNAT jumps to one chain a container, whose rules with DNAT say what is published;
 * with nftables one chain of its own has them all (nftRules.ts).
 */
import { formatAddress, parseAddress } from "../../conf/address.ts";
import type { Attachment } from "../../conf/attachment.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { PortMapping } from "../../conf/network.ts";
import type { Kernel } from "../kernel.ts";
import { hostPortChain, nftPortChain, nftPortTable, portChains } from "./names.ts";
import { publishedByNft } from "./nftRules.ts";
import { savedRules, type Version } from "./rules.ts";

/** Throws Fault (code.tryAgain) naming the container that has one of them, unless it is this one. */
export function refusePublished(
  mappings: readonly PortMapping[],
  attachment: Attachment,
  version: Version,
  kernel: Kernel,
): void {
  const own = portChains(attachment);
  const byIptables = publishedIn(savedRules(version, "nat") ?? "").filter(({ chain }) => !own.includes(chain));
  const byNft = publishedByNft(version, kernel)
    .filter(({ container }) => container !== attachment.container)
    .map(({ container, ...one }) => ({ ...one, holder: container, chain: `${nftPortChain} of table ${nftPortTable}` }));
  const wanted = new Map<string, PortMapping[]>();
  for (const one of mappings) {
    const key = `${one.protocol} ${one.hostPort}`;
    wanted.set(key, [...(wanted.get(key) ?? []), one]);
  }
  for (const { chain, holder, key, hostIp } of [...byIptables, ...byNft]) {
    const clash = wanted.get(key)?.find((one) => overlaps(one.hostIp, hostIp));
    if (clash) throw taken(clash, holder, chain, hostIp);
  }
}

interface Published {
  readonly chain: string;
  /** The network and the container, where the rule's comment says them. */
  readonly holder: string;
  /** Protocol and port. */
  readonly key: string;
  /** Absent: every address of the family. */
  readonly hostIp?: string;
}

/** In the words of iptables-save. */
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
    const hostIp = address?.replace(/\/.*/s, "");
    found.push({ chain, holder, key: `${protocol} ${port}`, ...(hostIp !== undefined && { hostIp }) });
  }
  return found;
}

/** Of addresses of one family. */
function overlaps(asked: string | undefined, published: string | undefined): boolean {
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
