/**
 * Ports that other programs publish by rules of nf_tables: the reference's portmap, podman's netavark, docker since
 * version 28, firewalld, a person. Each rule compares the protocol and the port, and then replaces the destination.
 */
import type { Protocol } from "../../conf/config/config.ts";
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { nftTable } from "../../kernel/ownership.ts";
import { type Chain, listAllChains } from "../../netlink/nft/chain.ts";
import { compare } from "../../netlink/nft/expr/compare.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { meta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { nat } from "../../netlink/nft/expr/nat.ts";
import { payload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { immediate } from "../../netlink/nft/expr/verdict.ts";
import { type Family, family } from "../../netlink/nft/message.ts";
import { listRules, type Rule } from "../../netlink/nft/rule.ts";
import { nftPortTable } from "../../reference/names.ts";
import { anyAddressFor, type PublishedPort, type Publisher } from "./publishedPort.ts";

/** Tables of programs that publish ports. */
const publishers: Readonly<Record<string, Publisher>> = {
  [nftPortTable]: "portmap",
  netavark: "podman",
  "docker-bridges": "docker",
};

/** ns-net's own ports are in maps (ours.ts), and iptables reads its tables itself (iptablesRules.ts). */
const readElsewhere = [nftTable, "nat", "filter", "mangle", "raw", "security"];

export interface ChainOf {
  readonly family: number;
  readonly chain: Chain;
}

export function nftChains(kernel: Kernel): readonly ChainOf[] {
  return listAllChains(kernel.netfilter);
}

export function nftPorts(chains: readonly ChainOf[], kernel: Kernel): PublishedPort[] {
  return chains.flatMap(({ family: number, chain: { table = "", name = "" } }) => {
    const by = publishers[table] ?? "nftables";
    const tableFamily = Object.values(family).find((one): one is Family => one === number);
    if (tableFamily === undefined || readElsewhere.includes(table)) return [];
    const rules = listRules(kernel.netfilter, { family: tableFamily, name: table }, name);
    return rules.flatMap((rule) => portIn(rule, by));
  });
}

const protocols: Readonly<Record<number, Protocol>> = { 6: "tcp", 17: "udp", 132: "sctp" };

/** Offset of the destination port in a header of TCP, UDP and SCTP, and of the destination address in IPv4 and IPv6. */
const portOffset = 2;
const addressOffsets: Readonly<Record<number, number>> = { 4: 16, 16: 24 };

function portIn({ expressions = [], comment = "" }: Rule, by: Publisher): [] | [PublishedPort] {
  const { protocol, hostPort, hostIp, target, containerPort } = meaningOf(expressions as readonly Expression[]);
  if (protocol === undefined || hostPort === undefined || target === undefined) return [];
  return [
    {
      ...{ protocol, hostAddress: hostIp ?? anyAddressFor(target), hostPort, owner: comment },
      ...{ containerAddress: target, containerPort: containerPort ?? hostPort, by },
    },
  ];
}

const numberIn = (raw: Uint8Array) => (raw[0]! << 8) | raw[1]!;
const addressIn = (raw: Uint8Array) => formatAddress(addressFromBytes(raw));

/** Reads pairs of a load and a comparison, and the registers that the translation uses. */
function meaningOf(rule: readonly Expression[]) {
  const registers = new Map<number, Uint8Array>();
  let protocol: Protocol | undefined;
  let [hostIp, target]: (string | undefined)[] = [];
  let [hostPort, containerPort]: (number | undefined)[] = [];
  for (const [at, { name, data }] of rule.entries()) {
    const next = rule[at + 1];
    const value = next?.name === "cmp" ? compare.get(next.data).data?.value : undefined;
    if (name === "meta" && value && meta.get(data).key === metaKey.l4Protocol) protocol = protocols[value[0]!];
    if (name === "payload" && value) {
      const { base, offset } = payload.get(data);
      if (base === payloadBase.transport && offset === portOffset) hostPort = numberIn(value);
      if (base === payloadBase.network && offset === addressOffsets[value.length]) hostIp = addressIn(value);
    }
    if (name === "immediate") {
      const { destination = 0, data: loaded } = immediate.get(data);
      if (loaded?.value) registers.set(destination, loaded.value);
    }
    if (name === "nat") {
      const { address, port } = nat.get(data);
      const [found, number] = [registers.get(address ?? 0), registers.get(port ?? 0)];
      if (found) target = addressIn(found);
      if (number) containerPort = numberIn(number);
    }
  }
  return { protocol, hostIp, hostPort, target, containerPort };
}
