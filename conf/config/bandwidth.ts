/** Limits of traffic, from the configuration's keys or the runtime's `bandwidth`. Throws code 7. */
import { badConfig } from "../fault.ts";
import type { Bandwidth, Limit } from "./config.ts";

/** As written: rates in bit/s, bursts in bits; 0 means "not set". */
interface GivenBandwidth {
  readonly ingressRate?: number | undefined;
  readonly ingressBurst?: number | undefined;
  readonly egressRate?: number | undefined;
  readonly egressBurst?: number | undefined;
}

/** The kernel counts a bucket's bytes in 32 bits. The reference has the same limit: less than 4 GB in whole bytes. */
const burstBitsMax = (2 ** 32 - 1) * 8 - 1;
/** tbf has whole bytes. */
const bitsMin = 8;

/**
 * The configuration's limits go before the runtime's, as in the reference. Only those that are set are in the answer.
 */
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
