/** Limits the rate of what leaves a link, by the qdisc tbf. */
import type { Limit } from "../../conf/config/config.ts";
import type { Where } from "../../kernel/kernel.ts";
import { deleteBucket, getBucket, replaceBucket } from "../../netlink/route/qdisc.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { netnsWord, shellWord } from "../shellWords.ts";

export interface TokenBucketStep {
  readonly kind: "tokenBucket";
  readonly where: Where;
  readonly link: string;
  readonly limit: Limit;
}

const bitsPerByte = 8;
const bytesOf = (bits: number) => Math.floor(bits / bitsPerByte);

export const tokenBucket: Kind<TokenBucketStep> = {
  apply({ where, link, limit }, kernel) {
    const index = kernel.indexOf(where, link);
    const [bytesPerSecond, burstBytes] = [bytesOf(limit.rate), bytesOf(limit.burst)];
    kernel.request(where, replaceBucket({ index, text: link, bytesPerSecond, burstBytes }));
    return true;
  },

  undo({ where, link }, kernel) {
    const index = kernel.link(where, link)?.index;
    if (index === undefined) return;
    tolerating(() => kernel.request(where, deleteBucket(index, link)), errno.ENOENT, errno.EINVAL);
  },

  check({ where, link, limit }, kernel) {
    const index = kernel.link(where, link)?.index;
    if (index === undefined) return missing(`link ${link}`);
    const found = getBucket(kernel.route(where), index);
    if (found === undefined) return missing(`limit of ${link}`);
    const rate = (bytes: number) => `${bytes * bitsPerByte} bit/s`;
    return differences(`link ${link}`, { rate: rate(bytesOf(limit.rate)) }, { rate: rate(found.bytesPerSecond) });
  },

  reason: ({ link }) => `The rate of what leaves ${link} is limited.`,

  print({ where, link, limit }, { netns }) {
    const tc = where === "host" ? "tc" : `tc -n ${netnsWord(netns)}`;
    const burst = bytesOf(limit.burst);
    return [`${tc} qdisc replace dev ${shellWord(link)} root tbf rate ${limit.rate}bit burst ${burst} latency 25ms`];
  },
};
