/** Limits of traffic: the configuration's keys, and the runtime's `bandwidth`. Throws code 7. */
import { badConfig } from "../fault.ts";
import type { Bandwidth, Limit } from "./config.ts";

/** Rates in bit/s, bursts in bits, as they were written; 0 is "not set". */
interface GivenBandwidth {
  readonly ingressRate?: number | undefined;
  readonly ingressBurst?: number | undefined;
  readonly egressRate?: number | undefined;
  readonly egressBurst?: number | undefined;
}

/** The kernel counts a bucket's bytes in 32 bits; the reference draws the same line, less than 4 GB in whole bytes. */
const burstBitsMax = (2 ** 32 - 1) * 8 - 1;
/** tbf takes whole bytes. */
const bitsMin = 8;

/** As with the reference, the configuration's limits win over the runtime's. */
export function bandwidthOf(written: GivenBandwidth, asked: GivenBandwidth = {}): Bandwidth | undefined {
  const isWritten = written.ingressRate || written.ingressBurst || written.egressRate || written.egressBurst;
  const [given, path] = isWritten ? [written, ""] : [asked, "runtimeConfig.bandwidth."];
  const ingress = limitOf(given.ingressRate, given.ingressBurst, `${path}ingress`);
  const egress = limitOf(given.egressRate, given.egressBurst, `${path}egress`);
  return ingress || egress ? { ...(ingress && { ingress }), ...(egress && { egress }) } : undefined;
}

function limitOf(rate = 0, burst = 0, path: string): Limit | undefined {
  if (rate === 0 && burst === 0) return undefined;
  if (rate === 0) throw badConfig(`${path}Rate`, rate, `given with ${path}Burst, in bit/s`);
  if (burst === 0) throw badConfig(`${path}Burst`, burst, `given with ${path}Rate, in bits`);
  if (rate < bitsMin) throw badConfig(`${path}Rate`, rate, `at least ${bitsMin} bit/s`);
  if (burst < bitsMin || burst > burstBitsMax)
    throw badConfig(`${path}Burst`, burst, `from ${bitsMin} to ${burstBitsMax} bits`);
  return { rate, burst };
}
