/** Loses a share of the packets that enter or leave by a link, at random, by a rule of nf_tables: for a kernel without netem. */
import type { Kernel } from "../../kernel/kernel.ts";
import { hook, newChain, priority } from "../../netlink/nft/chain.ts";
import { equals } from "../../netlink/nft/expr/compare.ts";
import { loadMeta, metaKey } from "../../netlink/nft/expr/meta.ts";
import { byChance } from "../../netlink/nft/expr/random.ts";
import { drop } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { linkNameBytes } from "../../netlink/nft/set.ts";
import { deleteTable, newTable, type Table } from "../../netlink/nft/table.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import type { Kind } from "../kind.ts";
import { type ChainRule, missingRules, replacedRules, textOf } from "../nft/sharedRules.ts";

export interface PacketLossStep {
  readonly kind: "packetLoss";
  /** A link of the host. */
  readonly link: string;
  readonly direction: "in" | "out";
  /** From 0 to 1. */
  readonly loss: number;
}

const tableOf = ({ link, direction }: PacketLossStep): Table => ({
  family: family.inet,
  name: `loss-${direction}-${link}`,
});

const chain = "loss";
/** In the first place for received packets, in the last for sent ones. */
const bases = {
  in: { type: "filter", hook: hook.prerouting, priority: priority.raw - 10 },
  out: { type: "filter", hook: hook.postrouting, priority: priority.sourceNat + 200 },
} as const;
const baseTexts = { in: "hook prerouting priority raw - 10", out: "hook postrouting priority srcnat + 200" } as const;

/** Hundredths of a percent. */
const steps = 10_000;

const rules = ({ link, direction, loss }: PacketLossStep): ChainRule[] => [
  {
    chain,
    expressions: [
      ...[loadMeta(direction === "in" ? metaKey.inName : metaKey.outName), equals(linkNameBytes(link))],
      ...byChance(Math.max(1, Math.round(loss * steps)), steps),
      drop,
    ],
  },
];

export const packetLoss: Kind<PacketLossStep> = {
  apply(step, kernel: Kernel) {
    const table = tableOf(step);
    kernel.batch([
      newTable(table),
      newChain(table, chain, bases[step.direction]),
      ...replacedRules(table, rules(step)),
    ]);
    return true;
  },

  undo(step, kernel) {
    tolerating(() => kernel.batch([deleteTable(tableOf(step))]), errno.ENOENT);
  },

  check: (step, kernel) => missingRules(tableOf(step), rules(step), kernel),

  reason: ({ link, direction }) =>
    `Packets that ${direction === "in" ? "come in" : "leave"} by ${link} are lost at random.`,

  print(step) {
    const name = `inet ${tableOf(step).name}`;
    return [
      `nft add table ${name}`,
      `nft add chain ${name} ${chain} '{ type filter ${baseTexts[step.direction]}; }'`,
      `nft flush chain ${name} ${chain}`,
      ...rules(step).map((rule) => `nft add rule ${name} ${chain} '${textOf(rule)}'`),
    ];
  },
};
