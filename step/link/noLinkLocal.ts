/**
 * A link without an IPv6 link-local address. A bridge port needs none, and neither does a container without IPv6 on a
 * bridge whose ports are all ours. Each would announce its address by multicast, which the bridge floods to every port:
 * with 500 containers an ADD took 4.0 ms in the kernel, and 1.6 ms without.
 */

import type { Where } from "../../kernel/kernel.ts";
import { addressGeneration, changeLink } from "../../netlink/route/link.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import { differences, type Kind, missing } from "../kind.ts";
import { ipWord, linkWord } from "../shellWords.ts";

export interface NoLinkLocalStep {
  readonly kind: "noLinkLocal";
  readonly where: Where;
  readonly link: string;
}

export const noLinkLocal: Kind<NoLinkLocalStep> = {
  apply({ where, link }, kernel) {
    const families = { inet6: { addressGeneration: addressGeneration.none } };
    const message = changeLink(`keep ${link} from giving itself an address`, { name: link, families });
    // A kernel without IPv6 gives none.
    tolerating(() => kernel.request(where, message), errno.EAFNOSUPPORT, errno.EOPNOTSUPP);
    return false;
  },

  check({ where, link }, kernel) {
    const found = kernel.link(where, link);
    if (!found) return missing(`link ${link}`);
    const mode = found.families?.inet6?.addressGeneration;
    const expected = mode === undefined ? undefined : addressGeneration.none;
    return differences(`link ${link}`, { "address generation mode": expected }, { "address generation mode": mode });
  },

  reason: () => "No IPv6 link-local address: each would be announced to every port of the bridge.",

  print: ({ where, link }, { netns }) => [`${ipWord(where, netns)} link set ${linkWord(link)} addrgenmode none`],
};
