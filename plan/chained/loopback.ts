/** `loopback`: brings up the container's `lo`, whatever CNI_IFNAME is, and reports its addresses. */
import { formatCidr } from "../../ip/address.ts";
import type { ChainedType } from "../chain.ts";
import type { LoopbackFacts } from "../facts.ts";

const link = "lo";

export const loopback: ChainedType<LoopbackFacts> = {
  first: true,
  remembers: false, // the interface dies with its namespace

  plan({ config, prev, netns, facts: { hasIpv6, addresses } }) {
    const steps = [{ kind: "up", where: "container", link } as const];
    if (config.prevResult) return { steps, result: prev };
    // The kernel adds both addresses when the link comes up.
    const ips = ["127.0.0.1/8", ...(hasIpv6 ? ["::1/128"] : [])];
    const others = addresses.map(formatCidr).filter((address) => !ips.includes(address));
    return {
      steps,
      result: {
        interfaces: [{ name: link, mac: "00:00:00:00:00:00", sandbox: netns }],
        ips: [...ips, ...others].map((address) => ({ address, interface: 0 })),
        routes: [],
      },
    };
  },

  takesDown: link,
};
