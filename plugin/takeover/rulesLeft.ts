/**
 * For CHECK: rules that the reference's bridge, ptp and portmap write for an attachment, and that another program removed.
 * They are looked for as its CHECK does it: the chain, the jump to it, and a rule for each published port; and in
 * the form of nftables.
 */
import type { Attachment } from "../../conf/attachment.ts";
import type { PortMapping } from "../../conf/config/config.ts";
import { onePortEach } from "../../conf/config/portRow.ts";
import { type Family, familyOf } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { getChain } from "../../netlink/nft/chain.ts";
import { family } from "../../netlink/nft/message.ts";
import { hasLegacyTables, savedRules } from "../../reference/iptables.ts";
import { hasJump } from "../../reference/jumps.ts";
import { hostPortChain, masqueradeChain, portChains } from "../../reference/names.ts";
import { isMasqueradedByNft, publishedByNft } from "../../reference/nftables.ts";
import { overlaps, publishedIn } from "../../reference/publishedPorts.ts";
import { type Difference, missing } from "../../step/kind.ts";

export interface ExpectedRules {
  readonly attachment: Attachment;
  /** The container's, without prefix length. */
  readonly addresses: readonly string[];
  readonly isMasqueraded: boolean;
  readonly ports: readonly PortMapping[];
}

/** Answers the output of iptables-save for the table `nat`; undefined if there is no such program. */
export type Saved = (version: Family) => string | undefined;

const families = { 4: family.ipv4, 6: family.ipv6 } as const;

/** A chain that exists without rules is not among them: step/adopted.ts finds it. */
export function rulesMissing(
  expected: ExpectedRules,
  kernel: Kernel,
  saved: Saved = (version) => savedRules(version, "nat", kernel),
): Difference[] {
  const { attachment, addresses, isMasqueraded, ports } = expected;
  const versions = new Set(addresses.map(familyOf));
  const masqueraded = isMasqueraded && !isMasqueradedByNft(attachment, kernel) ? [...versions] : [];
  return [
    ...masqueraded.flatMap((version) => masqueradeMissing(attachment, version, kernel, saved)),
    ...[...versions].flatMap((version) => portsMissing(ports, attachment, version, kernel, saved)),
  ];
}

function masqueradeMissing(attachment: Attachment, version: Family, kernel: Kernel, saved: Saved): Difference[] {
  const chain = masqueradeChain(attachment);
  if (hasChain(chain, version, kernel))
    return hasJump("POSTROUTING", chain, families[version], kernel)
      ? []
      : missing(`jump from POSTROUTING to chain ${chain}`);
  if (isLegacy(version, kernel)) {
    const text = saved(version);
    if (text === undefined || new RegExp(`^-A POSTROUTING .*-j ${chain}$`, "m").test(text)) return [];
  }
  return missing(`chain ${chain} (masquerade)`);
}

function portsMissing(
  ports: readonly PortMapping[],
  attachment: Attachment,
  version: Family,
  kernel: Kernel,
  saved: Saved,
): Difference[] {
  const wanted = ports
    .flatMap(onePortEach)
    .filter(({ hostIp }) => hostIp === undefined || familyOf(hostIp) === version);
  if (wanted.length === 0) return [];
  type Rule = Pick<PortMapping, "protocol" | "hostIp"> & { readonly port: number };
  const lacking = (from: readonly PortMapping[], rules: readonly (Omit<Rule, "protocol"> & { protocol: string })[]) =>
    from.filter(
      ({ protocol, hostPort, hostIp }) =>
        !rules.some((rule) => rule.protocol === protocol && rule.port === hostPort && overlaps(hostIp, rule.hostIp)),
    );
  const byNft = publishedByNft(version, kernel).filter(({ container }) => container === attachment.container);
  const left = lacking(wanted, byNft);
  if (left.length === 0) return [];
  const chain = portChains(attachment)[0]!;
  if (!hasChain(chain, version, kernel) && !isLegacy(version, kernel))
    return missing(`chain ${chain} (published ports)`);
  const text = saved(version);
  if (text === undefined) return []; // without the program, nothing more can be known
  const own = publishedIn(text).filter((one) => one.chain === chain);
  const isReached = new RegExp(`^-A PREROUTING .*-j ${hostPortChain}$`, "m").test(text);
  return [
    ...(isReached ? [] : missing(`jump from PREROUTING to chain ${hostPortChain}`)),
    ...lacking(left, own).flatMap(({ protocol, hostPort }) =>
      missing(`rule of published port ${hostPort}/${protocol}, by chain ${chain}`),
    ),
  ];
}

function hasChain(name: string, version: Family, kernel: Kernel): boolean {
  return getChain(kernel.netfilter, { family: families[version], name: "nat" }, name) !== undefined;
}

const isLegacy = (version: Family, kernel: Kernel) => kernel.at<boolean>("host", () => hasLegacyTables(version));
