/**
 * Ports that rules of iptables publish: docker, podman's netavark before version 2, the reference's portmap, and rules
 * that a person wrote. iptables itself reads them, because some of its rules are bytes that only it understands.
 */
import type { Protocol } from "../../conf/config/config.ts";
import { withoutPrefix } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { family } from "../../netlink/nft/message.ts";
import { hasLegacyTables, savedRules } from "../../reference/iptables.ts";
import { publishedIn } from "../../reference/publishedPorts.ts";
import type { ChainOf } from "./nftRules.ts";
import { anyAddressFor, type PublishedPort, type Publisher } from "./publishedPort.ts";

const families = { 4: family.ipv4, 6: family.ipv6 } as const;

/** The table of iptables-nft has the chains of iptables, and a legacy table is seen in /proc. */
export function iptablesPorts(chains: readonly ChainOf[], kernel: Kernel): PublishedPort[] {
  return ([4, 6] as const).flatMap((version) => {
    const isThere = chains.some((one) => one.family === families[version] && one.chain.table === "nat");
    if (!isThere && !kernel.at<boolean>("host", () => hasLegacyTables(version))) return [];
    return portsIn(savedRules(version, "nat", kernel) ?? "");
  });
}

/** By the beginning of a chain's name. */
const publishers: readonly (readonly [prefix: string, by: Publisher])[] = [
  ["DOCKER", "docker"],
  ["NETAVARK-", "podman"],
  ["CNI-", "portmap"],
];

/** `saved`: the output of iptables-save. */
export function portsIn(saved: string): PublishedPort[] {
  const holders = new Map(publishedIn(saved).map(({ chain, holder }) => [chain, holder]));
  return saved.split("\n").flatMap((line) => {
    const [, chain = ""] = /^-A (\S+) /.exec(line) ?? [];
    const protocol = /(?:^| )-p (tcp|udp|sctp) /.exec(line)?.[1] as Protocol | undefined;
    const port = / --dport (\d+)(?= |$)/.exec(line)?.[1];
    const [, bracketed, plain, containerPort] =
      / -j DNAT .*--to-destination (?:\[([^\]]+)\]|([^ :]+|[^ ]*:[^ ]*:[^ ]*?))(?::(\d+))?(?= |$)/.exec(line) ?? [];
    const target = bracketed ?? plain;
    if (protocol === undefined || port === undefined || target === undefined) return [];
    const address = / -d (\S+)/.exec(line)?.[1];
    return [
      {
        ...{ protocol, hostPort: Number(port), containerAddress: target },
        hostAddress: address === undefined ? anyAddressFor(target) : withoutPrefix(address),
        owner: (holders.get(chain) ?? "").split("/").at(-1) ?? "",
        containerPort: Number(containerPort ?? port),
        by: publishers.find(([prefix]) => chain.startsWith(prefix))?.[1] ?? "iptables",
      },
    ];
  });
}
