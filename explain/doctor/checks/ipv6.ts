/** Networks with IPv6 on a host, or a bridge, that has IPv6 turned off. */
import { type Check, type Finding, fail, orOk } from "../finding.ts";

export const ipv6: Check = {
  id: "ipv6",
  run({ networks, host, sameStore }) {
    const found = networks.flatMap(({ name, bridge, subnets, source }): Finding[] => {
      if (source === "kernel" || !subnets.some((subnet) => subnet.includes(":"))) return [];
      if (host.setting("net/ipv6/conf/all/disable_ipv6") === undefined)
        return [
          fail(
            `${name} has IPv6 subnets, and this kernel has no IPv6`,
            "Boot without ipv6.disable=1, or give the network IPv4 alone",
          ),
        ];
      const link = bridge !== undefined && host.links.some((one) => one.name === bridge) ? bridge : undefined;
      if (link === undefined || host.number(`net/ipv6/conf/${link}/disable_ipv6`) === 0) return [];
      return [
        fail(
          `${name} has IPv6 subnets, and IPv6 is off on its bridge ${link}`,
          `sysctl -w net.ipv6.conf.${link.replaceAll(".", "/")}.disable_ipv6=0 && ns-net repair${sameStore}`,
        ),
      ];
    });
    return orOk(found, "no network with IPv6 subnets is on a link without IPv6");
  },
};
