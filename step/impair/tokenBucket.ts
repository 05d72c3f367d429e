/** Limits the rate of what leaves a link, by the qdisc tbf. */
import type { Limit } from "../../conf/config/config.ts";
import { deleteBucket, getBucket, replaceBucket } from "../../netlink/route/qdisc.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { shellWord } from "../shellWords.ts";

export interface TokenBucketStep {
  readonly kind: "tokenBucket";
  /** A link of the host. */
  readonly link: string;
  readonly limit: Limit;
}

const bitsPerByte = 8;
const bytesOf = (bits: number) => Math.floor(bits / bitsPerByte);

export const tokenBucket: Kind<TokenBucketStep> = {
  apply({ link, limit }, kernel) {
    const index = kernel.indexOf("host", link);
    const [bytesPerSecond, burstBytes] = [bytesOf(limit.rate), bytesOf(limit.burst)];
    kernel.request("host", replaceBucket({ index, text: link, bytesPerSecond, burstBytes }));
    return true;
  },

  undo({ link }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return;
    tolerating(() => kernel.request("host", deleteBucket(index, link)), errno.ENOENT, errno.EINVAL);
  },

  check({ link, limit }, kernel) {
    const index = kernel.link("host", link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const found = getBucket(kernel.route("host"), index);
    if (found === undefined) return missing(`limit of ${link}`);
    const rate = (bytes: number) => `${bytes * bitsPerByte} bit/s`;
    return differences(`link ${link}`, { rate: rate(bytesOf(limit.rate)) }, { rate: rate(found.bytesPerSecond) });
  },

  reason: ({ link }) => `The rate of what leaves ${link} is limited.`,

  print({ link, limit }) {
    const burst = bytesOf(limit.burst);
    return [`tc qdisc replace dev ${shellWord(link)} root tbf rate ${limit.rate}bit burst ${burst} latency 25ms`];
  },
};
