/** `loopback`: the container's own interface brought up, whatever CNI_IFNAME says, and its addresses told. */
import { formatCidr } from "../../ip/address.ts";
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import type { ChainedType } from "../chain.ts";

const link = "lo";

export const loopback: ChainedType = {
  first: true,
  remembers: false, // the interface dies with its namespace

  plan({ config, prev, netns, kernel }) {
    const steps = [{ kind: "up", where: "container", link } as const];
    if (config.prevResult) return { steps, result: prev };
    // The kernel gives both addresses by itself, the moment the link is up.
    const ips = [
      "127.0.0.1/8",
      ...(kernel.readSysctl("container", `net/ipv6/conf/${link}/disable_ipv6`) === "0" ? ["::1/128"] : []),
    ];
    const others = kernel
      .addresses("container", link)
      .map(formatCidr)
      .filter((address) => !ips.includes(address));
    return {
      steps,
      result: {
        interfaces: [{ name: link, mac: "00:00:00:00:00:00", sandbox: netns }],
        ips: [...ips, ...others].map((address) => ({ address, interface: 0 })),
        routes: [],
      },
    };
  },

  leave(kernel) {
    kernel.request("container", changeLink(`take down ${link}`, { name: link, clear: linkFlag.up }));
  },
};
