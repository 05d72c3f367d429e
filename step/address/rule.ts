/** A rule of the container: packets from this source use this routing table. */
import { addressBits, familyOf, formatAddress, parseAddress } from "../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../ip/bytes.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { addRule, deleteRule, listRules, type SourceRule } from "../../netlink/route/rule.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { type Kind, missing } from "../kind.ts";
import { ipWord } from "../shellWords.ts";

export interface RuleStep {
  readonly kind: "rule";
  /** An address. */
  readonly source: string;
  readonly table: number;
}

/** Without a recorded step: the rules for the addresses of the interface `of`. */
export type RuleKey = Pick<RuleStep, "source" | "table"> | { readonly of: string };

function requestOf({ source, table }: Pick<RuleStep, "source" | "table">): SourceRule {
  return { text: textOf(source, table), source: addressBytes(parseAddress(source)!), table };
}

const textOf = (source: string, table: number) => `from ${source} lookup ${table}`;

/** The container's rules whose source is a single address. */
function rulesOf(kernel: Kernel): { readonly source: string; readonly table: number }[] {
  return listRules(kernel.route("container")).flatMap(({ source, sourceLength, table = 0 }) => {
    if (!source) return [];
    const address = addressFromBytes(source);
    return sourceLength === addressBits(address.family) ? [{ source: formatAddress(address), table }] : [];
  });
}

export const rule: Kind<RuleStep, RuleKey> = {
  apply(step, kernel) {
    return tolerating(() => kernel.request("container", addRule(requestOf(step))), errno.EEXIST) !== undefined;
  },

  undo(key, kernel) {
    if (!kernel.netns) return;
    const remove = (one: Pick<RuleStep, "source" | "table">) =>
      tolerating(() => kernel.request("container", deleteRule(requestOf(one))), errno.ENOENT);
    if (!("of" in key)) remove(key);
    else if (kernel.link("container", key.of)) {
      const own = kernel.addresses("container", key.of).map(formatAddress);
      for (const one of rulesOf(kernel)) if (own.includes(one.source)) remove(one);
    }
  },

  leftover: { attachment: ({ ifname }) => ({ of: ifname }) },

  check({ source, table }, kernel) {
    const wanted = formatAddress(parseAddress(source)!);
    const isThere = rulesOf(kernel).some((one) => one.source === wanted && one.table === table);
    return isThere ? [] : missing(`rule ${textOf(source, table)} in the container`);
  },

  reason: ({ source }) => `Packets from ${source} use a routing table of their own.`,

  print({ source, table }, { netns }) {
    return [`${ipWord("container", netns, familyOf(source))} rule add ${textOf(source, table)}`];
  },
};
