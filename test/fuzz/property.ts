/**
 * Properties over random input: with a fixed seed and one second each in `npm test`, with a new seed and a minute each
 * in `npm run fuzz`. A failure prints its seed and path; `NSNET_FUZZ_SEED` repeats it.
 */
import fc from "fast-check";

const seconds = Number(process.env["NSNET_FUZZ_SECONDS"] ?? 0);
const seed = Number(process.env["NSNET_FUZZ_SEED"] ?? (seconds > 0 ? Date.now() & 0x7fffffff : 20260901));

export const mochaLimitMs = (seconds + 30) * 1000;

export function holds<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void {
  fc.assert(fc.property(arbitrary, check), {
    seed,
    numRuns: seconds > 0 ? 100_000_000 : 1500,
    interruptAfterTimeLimit: seconds > 0 ? seconds * 1000 : 2000,
    markInterruptAsFailure: false,
  });
}
