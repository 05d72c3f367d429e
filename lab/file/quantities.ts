/** Quantities with units: times, shares, rates. Each function answers undefined for any other text. */
import { rateMin, rateOf } from "../../conf/rate.ts";

const millisecondsIn: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

/** `5s`, `500ms`, `1m`, `20us` → milliseconds. */
export function millisecondsOf(text: string): number | undefined {
  const { count, unit } = /^(?<count>\d+(?:\.\d+)?)(?<unit>us|ms|s|m)$/.exec(text)?.groups ?? {};
  return count === undefined ? undefined : Number(count) * millisecondsIn[unit!]!;
}

/** `1%`, `0.5%` → 0.01, 0.005; from 0 to 100. */
export function shareOf(text: string): number | undefined {
  const { count } = /^(?<count>\d+(?:\.\d+)?)%$/.exec(text)?.groups ?? {};
  const percent = Number(count ?? Number.NaN);
  return percent >= 0 && percent <= 100 ? percent / 100 : undefined;
}

/** `10mbit` → bits per second. */
export function bitsPerSecondOf(text: string): number | undefined {
  const rate = rateOf(text);
  return rate >= rateMin ? rate : undefined;
}
