/** The option `--rate`. */
import { rateMin, rateOf } from "../../conf/rate.ts";
import { UsageError } from "../command.ts";

/** `10mbit` → 10,000,000 bits per second. Throws UsageError. */
export function parseRate(word: string): number {
  const rate = rateOf(word);
  if (rate < rateMin) throw new UsageError(`--rate ${word}: the least is ${rateMin}bit`);
  if (!Number.isNaN(rate)) return rate;
  throw new UsageError(`--rate ${JSON.stringify(word)}: give a number and a unit of tc, as 500kbit, 10mbit or 1gbit`);
}
