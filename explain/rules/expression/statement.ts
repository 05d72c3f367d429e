/** Verdicts, and what only counts or cannot be known. */
import { immediate } from "../../../netlink/nft/expr/verdict.ts";
import {
  extensionHeader,
  firstDestination,
  hash,
  numgenRead,
  secondDestination,
} from "../../../netlink/nft/read/expressions.ts";
import { protocolNumber, protocolOf, versionOf } from "../packet.ts";
import { number32 } from "./numbers.ts";
import { accept, drop, type Evaluate, maybe, type RuleRun, type Step } from "./rule.ts";

/** NFT_REG_VERDICT. */
const verdictRegister = 0;

export function evaluateImmediate(data: Uint8Array, { registers }: RuleRun): Step {
  const { destination = verdictRegister, data: { value, verdict } = {} } = immediate.get(data);
  if (verdict) return { code: (verdict.code ?? 0) | 0, chain: verdict.chain };
  if (value) registers.write(destination, value);
  return undefined;
}

/** Its answer to the sender makes no difference to the packet. */
export const reject: Evaluate = () => drop;

/** Another program decides. */
export const queue: Evaluate = (_, run) => (run.choose(2, "queue") === 0 ? accept : drop);

export const nothing: Evaluate = () => undefined;

/** A match whose answer cannot be known. */
export const unknownMatch =
  (words: string): Evaluate =>
  (_, run) =>
    maybe(run, words);

/** Loads a value that cannot be known, into the register of that attribute. */
export const unknownValue =
  (words: string, attribute: 1 | 2): Evaluate =>
  (data, run) => {
    const { destination } = (attribute === 1 ? firstDestination : secondDestination).get(data);
    if (destination === undefined) return maybe(run, words);
    run.registers.writeUnknown(destination, 16, words);
    return undefined;
  };

export function evaluateNumgen(data: Uint8Array, run: RuleRun): Step {
  const { destination = 0, modulus = 1, offset = 0 } = numgenRead.get(data);
  return anyBelow("numgen", destination, modulus, offset, run);
}

export function evaluateHash(data: Uint8Array, run: RuleRun): Step {
  const { destination = 0, modulus = 1, offset = 0 } = hash.get(data);
  return anyBelow("jhash", destination, modulus, offset, run);
}

function anyBelow(words: string, destination: number, modulus: number, offset: number, { registers }: RuleRun): Step {
  if (modulus === 1) registers.write(destination, number32(offset));
  else registers.writeUnknown(destination, 4, `${words} mod ${modulus}`);
  return undefined;
}

export const notrack: Evaluate = (_, { passage }) => {
  if (passage.connection === undefined) passage.isUntracked = true;
  return undefined;
};

/** NFT_EXTHDR_OP_*, NFT_EXTHDR_F_PRESENT. */
const ipv6Header = 0;
const tcpOption = 1;
const asksPresence = 1;

/** Options of TCP and extension headers of IPv6: the packet that is followed has none of the latter. */
export function evaluateExtension(data: Uint8Array, run: RuleRun): Step {
  const { destination, flags = 0, operation = ipv6Header } = extensionHeader.get(data);
  if (operation === tcpOption && protocolOf(run.passage.packet) !== protocolNumber.tcp) return "break";
  if (operation === ipv6Header && versionOf(run.passage.packet) !== 6) return "break";
  if (destination === undefined) return undefined;
  if (operation !== ipv6Header) run.registers.writeUnknown(destination, 4, "an option of the header");
  else if (flags & asksPresence) run.registers.write(destination, Uint8Array.of(0));
  else return "break";
  return undefined;
}
