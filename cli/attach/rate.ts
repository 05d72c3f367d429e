/** A rate as tc(8) reads it: a number and a unit. */
import { UsageError } from "../command.ts";

/** Bits per second. tc's units: `bit` with decimal and binary multiples, and `bps` for bytes. */
const units: Readonly<Record<string, number>> = {
  ...{ bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12 },
  ...{ kibit: 2 ** 10, mibit: 2 ** 20, gibit: 2 ** 30, tibit: 2 ** 40 },
  ...{ bps: 8, kbps: 8e3, mbps: 8e6, gbps: 8e9, kibps: 8 * 2 ** 10, mibps: 8 * 2 ** 20, gibps: 8 * 2 ** 30 },
};

/** `10mbit` → 10,000,000. Throws UsageError, also for a number without a unit, which tc reads as bits per second. */
export function parseRate(word: string): number {
  const { count, unit } = /^(?<count>\d+(?:\.\d+)?)(?<unit>[a-z]+)$/i.exec(word)?.groups ?? {};
  const rate = Math.round(Number(count) * (units[unit?.toLowerCase() ?? ""] ?? Number.NaN));
  if (rate < rateMin) throw new UsageError(`--rate ${word}: the least is ${rateMin}bit`);
  if (rate <= Number.MAX_SAFE_INTEGER) return rate;
  throw new UsageError(`--rate ${JSON.stringify(word)}: give a number and a unit of tc, as 500kbit, 10mbit or 1gbit`);
}

/** tbf counts whole bytes. */
const rateMin = 8;

const burstBitsMin = 80_000;
/** The kernel counts the bytes of a bucket in 32 bits. */
const burstBitsMax = 8 * (2 ** 32 - 2);

/** The bits that may pass at once: what the rate gives in a tenth of a second, at least six full packets. */
export function burstOf(rate: number): number {
  return Math.min(burstBitsMax, Math.max(burstBitsMin, Math.round(rate / 10)));
}
