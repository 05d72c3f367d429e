/** cmp, range, bitwise and byteorder: what is done with registers. net/netfilter/nft_{cmp,range,bitwise,byteorder}.c. */
import { compare } from "../../../netlink/nft/expr/compare.ts";
import { byteOrder } from "../../../netlink/nft/expr/random.ts";
import { bitwiseRead, range } from "../../../netlink/nft/read/expressions.ts";
import { number32, word } from "./numbers.ts";
import { maybe, type RuleRun, type Step } from "./rule.ts";

/** NFT_CMP_*: by the sign of memcmp. */
const holds: Readonly<Record<number, (order: number) => boolean>> = {
  0: (order) => order === 0,
  1: (order) => order !== 0,
  2: (order) => order < 0,
  3: (order) => order <= 0,
  4: (order) => order > 0,
  5: (order) => order >= 0,
};

export function evaluateCompare(data: Uint8Array, run: RuleRun): Step {
  const { source = 0, operator = 0, data: { value = new Uint8Array(0) } = {} } = compare.get(data);
  const found = run.registers.read(source, value.length);
  if (typeof found === "string") return maybe(run, found);
  return holds[operator]?.(Buffer.compare(found, value)) ? undefined : "break";
}

/** NFT_RANGE_NEQ */
const outside = 1;

export function evaluateRange(data: Uint8Array, run: RuleRun): Step {
  const { source = 0, operator = 0, from, to } = range.get(data);
  const [first, last] = [from?.value ?? new Uint8Array(0), to?.value ?? new Uint8Array(0)];
  const found = run.registers.read(source, first.length);
  if (typeof found === "string") return maybe(run, found);
  const isIn = Buffer.compare(found, first) >= 0 && Buffer.compare(found, last) <= 0;
  return isIn !== (operator === outside) ? undefined : "break";
}

/** NFT_BITWISE_*. */
const operation = { maskXor: 0, leftShift: 1, rightShift: 2, and: 3, or: 4, xor: 5 } as const;

export function evaluateBitwise(data: Uint8Array, { registers }: RuleRun): Step {
  const { source = 0, second = 0, destination = 0, length = 0, ...rest } = bitwiseRead.get(data);
  const { operation: wanted = operation.maskXor, mask, xor, shift } = rest;
  const found = registers.read(source, length);
  const isPair = wanted === operation.and || wanted === operation.or || wanted === operation.xor;
  const other = isPair ? registers.read(second, length) : new Uint8Array(0);
  if (typeof found === "string" || typeof other === "string") {
    registers.writeUnknown(destination, length, typeof found === "string" ? found : String(other));
    return undefined;
  }
  const zeros = new Uint8Array(length);
  const [keep, flip] = [mask?.value ?? zeros, xor?.value ?? zeros];
  const bits = shift?.value ? word(shift.value) : 0;
  const results = {
    [operation.maskXor]: () => found.map((byte, i) => (byte & (keep[i] ?? 0)) ^ (flip[i] ?? 0)),
    [operation.leftShift]: () => shifted(found, bits, true),
    [operation.rightShift]: () => shifted(found, bits, false),
    [operation.and]: () => found.map((byte, i) => byte & other[i]!),
    [operation.or]: () => found.map((byte, i) => byte | other[i]!),
    [operation.xor]: () => found.map((byte, i) => byte ^ other[i]!),
  } as const;
  const result = results[wanted as keyof typeof results];
  if (result === undefined) registers.writeUnknown(destination, length, `bitwise operation ${wanted}`);
  else registers.write(destination, result());
  return undefined;
}

/** Shifts words of four bytes in the machine's order, the first word being the highest. */
function shifted(bytes: Uint8Array, bits: number, isLeft: boolean): Uint8Array {
  const count = Math.ceil(bytes.length / 4);
  const padded = new Uint8Array(4 * count);
  padded.set(bytes);
  let value = 0n;
  for (let i = 0; i < count; i++) value = (value << 32n) | BigInt(word(padded, 4 * i));
  value = isLeft ? value << BigInt(bits) : value >> BigInt(bits);
  const out = new Uint8Array(4 * count);
  for (let i = count - 1; i >= 0; i--, value >>= 32n) out.set(number32(Number(value & 0xffffffffn)), 4 * i);
  return out.slice(0, bytes.length);
}

export function evaluateByteOrder(data: Uint8Array, { registers }: RuleRun): Step {
  const { source = 0, destination = 0, length = 0, size = 4 } = byteOrder.get(data);
  const found = registers.read(source, length);
  if (typeof found === "string") {
    registers.writeUnknown(destination, length, found);
    return undefined;
  }
  // To network order and from it is the same exchange.
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += size) out.set(found.slice(at, at + size).reverse(), at);
  registers.write(destination, out);
  return undefined;
}
