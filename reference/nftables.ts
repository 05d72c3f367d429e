/**
 * Rules that newer versions of the reference's plugins write with nftables: masquerade of bridge and ptp, and portmap.
 * They are in chains that all containers share; their comments identify the container.
 */
import type { Attachment } from "../conf/attachment.ts";
import { type Family, formatAddress, parseAddress } from "../ip/address.ts";
import { addressBytes, addressFromBytes } from "../ip/bytes.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Message } from "../netlink/message.ts";
import { compare } from "../netlink/nft/expr/compare.ts";
import type { Expression } from "../netlink/nft/expr/expression.ts";
import { meta, metaKey } from "../netlink/nft/expr/meta.ts";
import { payload, payloadBase } from "../netlink/nft/expr/payload.ts";
import { family } from "../netlink/nft/message.ts";
import { deleteRule, listRules, type Rule } from "../netlink/nft/rule.ts";
import type { Table } from "../netlink/nft/table.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import type { Rules } from "./iptables.ts";
import { masqueradeComment, nftPortChain, nftPortTable } from "./names.ts";

/** pkg/ip/ipmasq_nftables_linux.go */
const masqueradeTable: Table = { family: family.inet, name: "cni_plugins_masquerade" };
const masqueradeChain = "masq_checks";

/** plugins/meta/portmap/portmap_nftables.go; in older versions the second has the ports with a host address. */
const portChains = [nftPortChain, "hostip_hostports", "masquerading"];
const portTables: Readonly<Record<Family, Table>> = {
  4: { family: family.ipv4, name: nftPortTable },
  6: { family: family.ipv6, name: nftPortTable },
};

/** Another DEL may remove some of it between reading and writing. */
const triesMost = 5;

/** Absent is success. */
export function removeNftRules(rules: Rules, kernel: Kernel): void {
  for (let tries = 1; ; tries++) {
    const messages = removals(rules, kernel);
    if (messages.length === 0) return;
    try {
      kernel.batch(messages);
      return;
    } catch (error) {
      if (!isKernelError(error, errno.ENOENT) || tries === triesMost) throw error;
    }
  }
}

function removals({ attachment, addresses, parts }: Rules, kernel: Kernel): Message[] {
  const found = (table: Table, chain: string, isOwn: (rule: Rule) => boolean) =>
    listRules(kernel.netfilter, table, chain).flatMap((rule) =>
      rule.handle !== undefined && isOwn(rule) ? [deleteRule(table, chain, rule.handle)] : [],
    );
  const masked = masqueradeComment(attachment);
  const own = addresses.map((text) => Buffer.from(addressBytes(parseAddress(text)!)));
  // The comment names only the container: rules to addresses of its other attachments stay.
  const isPort = ({ comment, expressions = [] }: Rule) =>
    comment === attachment.container &&
    (own.length === 0 ||
      expressions.some(({ data = new Uint8Array(0) }) => own.some((bytes) => Buffer.from(data).includes(bytes))));
  return [
    ...(parts.includes("masquerade")
      ? found(masqueradeTable, masqueradeChain, ({ comment }) => comment?.startsWith(masked) === true)
      : []),
    ...(parts.includes("portmap")
      ? Object.values(portTables).flatMap((table) => portChains.flatMap((chain) => found(table, chain, isPort)))
      : []),
  ];
}

/** True if a rule masquerades what the attachment sends. */
export function isMasqueradedByNft(attachment: Attachment, kernel: Kernel): boolean {
  const own = masqueradeComment(attachment);
  return listRules(kernel.netfilter, masqueradeTable, masqueradeChain).some(
    ({ comment }) => comment?.startsWith(own) === true,
  );
}

export interface PublishedByNft {
  readonly container: string;
  readonly protocol: string;
  readonly port: number;
  /** Absent: every address of the family. */
  readonly hostIp?: string | undefined;
}

/** The ports that rules of portmap's form publish. */
export function publishedByNft(version: Family, kernel: Kernel): PublishedByNft[] {
  return portChains.slice(0, 2).flatMap((chain) =>
    listRules(kernel.netfilter, portTables[version], chain).flatMap(({ comment = "", expressions = [] }) => {
      const { protocol, port, hostIp } = conditionsOf(expressions as readonly Expression[]);
      if (protocol === undefined || port === undefined) return [];
      return { container: comment, protocol, port, hostIp };
    }),
  );
}

const protocols: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** Offset of the destination port in a header of TCP, UDP and SCTP. */
const portOffset = 2;

/** Reads pairs of a load and a comparison. */
function conditionsOf(rule: readonly Expression[]) {
  let [protocol, hostIp]: (string | undefined)[] = [];
  let port: number | undefined;
  for (const [at, { name, data }] of rule.entries()) {
    const next = rule[at + 1];
    const value = next?.name === "cmp" ? compare.get(next.data).data?.value : undefined;
    if (value === undefined) continue;
    if (name === "meta" && meta.get(data).key === metaKey.l4Protocol) protocol = protocols[value[0]!];
    if (name !== "payload") continue;
    const { base, offset } = payload.get(data);
    if (base === payloadBase.transport && offset === portOffset) port = (value[0]! << 8) | value[1]!;
    if (base === payloadBase.network) hostIp = formatAddress(addressFromBytes(value));
  }
  return { protocol, port, hostIp };
}
