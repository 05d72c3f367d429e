/** Rates as tc(8) reads them: a number and a unit. */

/** Bits per second. tc's units: `bit` with decimal and binary multiples, and `bps` for bytes. */
const units: Readonly<Record<string, number>> = {
  ...{ bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, tbit: 1e12 },
  ...{ kibit: 2 ** 10, mibit: 2 ** 20, gibit: 2 ** 30, tibit: 2 ** 40 },
  ...{ bps: 8, kbps: 8e3, mbps: 8e6, gbps: 8e9, kibps: 8 * 2 ** 10, mibps: 8 * 2 ** 20, gibps: 8 * 2 ** 30 },
};

/** tbf counts whole bytes. */
export const rateMin = 8;

/** `10mbit` → 10,000,000 bits per second. NaN for any other text, also for a number without a unit, which tc reads as bits. */
export function rateOf(word: string): number {
  const { count, unit } = /^(?<count>\d+(?:\.\d+)?)(?<unit>[a-z]+)$/i.exec(word)?.groups ?? {};
  const rate = Math.round(Number(count) * (units[unit?.toLowerCase() ?? ""] ?? Number.NaN));
  return rate <= Number.MAX_SAFE_INTEGER ? rate : Number.NaN;
}

const burstBitsMin = 80_000;
/** The kernel counts the bytes of a bucket in 32 bits. */
const burstBitsMax = 8 * (2 ** 32 - 2);

/** The bits that may pass at once: what the rate gives in a tenth of a second, at least six full packets. */
export function burstOf(rate: number): number {
  return Math.min(burstBitsMax, Math.max(burstBitsMin, Math.round(rate / 10)));
}
