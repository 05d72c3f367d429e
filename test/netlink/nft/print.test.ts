/**
 * Prints rules in the language of nft, from the bytes that nft itself sent for them: test/golden/, captured by strace.
 */
import assert from "node:assert/strict";
import { WireError } from "../../../netlink/codec.ts";
import type { Expression } from "../../../netlink/nft/expr/expression.ts";
import { nftType } from "../../../netlink/nft/message.ts";
import { ruleText } from "../../../netlink/nft/print.ts";
import { ruleIn } from "../../../netlink/nft/rule.ts";
import { golden, goldenNames } from "../../support/golden.ts";

const headerBytes = 16;
/** struct nlmsghdr: the type comes after the length. */
const typeOf = (message: Uint8Array) => message[4]!;

const rules = goldenNames().flatMap((name) => {
  const { command, messages } = golden(name);
  const rule = messages.find((message) => typeOf(message) === nftType.newRule && command.includes("add rule"));
  return rule
    ? [{ name, command, expressions: ruleIn({ payload: rule.subarray(headerBytes) }).expressions ?? [] }]
    : [];
});

/** Rules that ns-net does not write, and does not print. */
const unknown = [
  "nft-masquerade-random",
  "nft-masquerade-link",
  "nft-mark",
  "nft-verdict-map-rule",
  "nft-dnat",
  "nft-dnat-6",
];

/** Only the words of the rule, in our words where nft has two ways to write a thing. */
const words = (command: string) =>
  command
    .replace(/^.*add rule \S+ \S+ \S+ /, "")
    .replace(/ comment "[^"]*"/, "")
    .replace(/'$/, "")
    .replace("meta nfproto ipv6 ip6 daddr", "ip6 daddr")
    .replace("ct status & dnat == 0", "ct status ! dnat");

describe("A printed rule", () => {
  it("is found in the captures", () => assert.ok(rules.length >= 15, `${rules.length}`));

  for (const { name, command, expressions } of rules) {
    if (unknown.includes(name)) {
      it(`is refused for a rule that ns-net does not write: ${words(command)}`, () => {
        assert.throws(() => ruleText(expressions as Expression[]), WireError);
      });
    } else {
      it(`equals the typed one: ${words(command)}`, () => {
        assert.equal(ruleText(expressions as Expression[]), words(command));
      });
    }
  }
});
