/**
 * Limits what a host forwards to and from other hosts, for networks with a part on each: packets of an internal network stay
 * in it, and none from other networks enter an isolated one. One chain has the rules of all networks, and a change replaces it.
 *
 * The host that sends refuses, because it knows the network of a packet before it masquerades the source: in IPv6 that may
 * become an address of any of its networks, also of an internal one.
 */
import { familyOf, parseCidr } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { nftTable } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import { connectionState, conntrackKey, loadConntrack } from "../../netlink/nft/expr/conntrack.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { accept, drop } from "../../netlink/nft/expr/verdict.ts";
import { matchAddress, matchProtocolOf, type Prefix } from "../../netlink/nft/match.ts";
import { linkNameBytes } from "../../netlink/nft/set.ts";
import { newTable } from "../../netlink/nft/table.ts";
import type { Kind } from "../kind.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "./sharedRules.ts";
import { table, tableComment } from "./table.ts";

export interface RangesAcrossStep {
  readonly kind: "rangesAcross";
  /** The link that leads to the other hosts. */
  readonly uplink: string;
  readonly ranges: readonly RangeAcross[];
}

export interface RangeAcross {
  readonly bridge: string;
  /** The whole network's subnets, CIDR. */
  readonly subnets: readonly string[];
  /** Nothing is forwarded into it or out of it, but between its own parts. */
  readonly isInternal: boolean;
  /** Which bridges of this host may open connections to its parts on other hosts. */
  readonly entered: "by all" | "by itself" | "by none";
}

const chain = "across";
/** Before the chains of internalNetwork.ts and ingressPolicy.ts. */
const base = { type: "filter", hook: hook.forward, priority: priority.filter - 12 } as const;

const isLink = (which: number, name: string, holds = true): Expression[] => [
  loadMeta(which),
  (holds ? equals : differs)(linkNameBytes(name)),
];

function prefixOf(subnet: string): Prefix {
  const cidr = parseCidr(subnet)!;
  return { address: addressBytes(cidr), length: cidr.prefixLength };
}

const answers = (): Expression[] => [
  ...[loadConntrack(conntrackKey.state), keepBits(connectionState.establishedOrRelated), differs(new Uint8Array(4))],
  accept,
];

function rulesOf({ uplink, ranges }: RangesAcrossStep): ChainRule[] {
  const rule = (...expressions: Expression[]): ChainRule => ({ chain, expressions });
  return [
    ...ranges
      .filter(({ isInternal }) => isInternal)
      .flatMap((range) => internalRules(range).map((one) => rule(...one))),
    rule(...answers()),
    ...ranges
      .filter(({ isInternal, entered }) => isInternal || entered !== "by all")
      .flatMap(({ bridge, subnets, entered }) =>
        subnets.map((subnet) =>
          rule(
            ...isLink(metaKey.outName, uplink),
            ...isLink(metaKey.inKind, "bridge"),
            ...(entered === "by none" ? [] : isLink(metaKey.inName, bridge, false)),
            ...matchProtocolOf(prefixOf(subnet).address),
            ...matchAddress("destination", prefixOf(subnet)),
            drop,
          ),
        ),
      ),
  ];
}

/** Both addresses of a packet of the bridge are in the network. */
function internalRules({ bridge, subnets }: RangeAcross): Expression[][] {
  const ways = [
    { which: metaKey.inName, end: "destination" },
    { which: metaKey.outName, end: "source" },
  ] as const;
  return ways.flatMap(({ which, end }) =>
    ([4, 6] as const).map((family) => [
      ...isLink(which, bridge),
      ...matchProtocolOf(new Uint8Array(family === 4 ? 4 : 16)),
      ...subnets.filter((one) => familyOf(one) === family).flatMap((one) => matchAddress(end, prefixOf(one), false)),
      drop,
    ]),
  );
}

const written = (step: RangesAcrossStep): Message[] => [
  newTable(table, tableComment),
  newChain(table, chain, base),
  ...replacedRules(table, rulesOf(step)),
];

export const rangesAcross: Kind<RangesAcrossStep> = {
  rules: { missing: written, replacing: written },

  check: (step, kernel) => missingRules(table, rulesOf(step), kernel),

  reason: () =>
    "Packets of internal networks stay in them on all hosts, and none from other networks enter isolated ones.",

  print(step) {
    const inet = `inet ${nftTable}`;
    return [
      `nft add table ${inet} '{ comment "${tableComment}"; }'`,
      `nft add chain ${inet} ${chain} '{ type filter hook forward priority filter - 12; }'`,
      `nft flush chain ${inet} ${chain}`,
      ...rulesOf(step).map((rule) => `nft add rule ${inet} ${rule.chain} '${textOf(rule)}'`),
    ];
  },
};
