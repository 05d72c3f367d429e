/** Firewalls of other programs that drop what containers send to the outside or get from there, or the answers. */

import { type Cidr, contains, formatCidr, parseAddress } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";
import { nftTable } from "../../../kernel/ownership.ts";
import { uplink } from "../../../kernel/routes.ts";
import { opening, openingForPorts } from "../../../plugin/diagnose/forwardPolicy.ts";
import { farAway } from "../../path/packets.ts";
import { deviceOf } from "../../path/site/surroundings.ts";
import { ourPorts } from "../../ports/ours.ts";
import { anyAddressFor } from "../../ports/publishedPort.ts";
import type { Device } from "../../rules/packet.ts";
import type { Place } from "../../rules/passage.ts";
import { familyText, placeText } from "../../rules/words.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import { type Drop, dropOf } from "../passing.ts";
import type { Patient } from "../patient.ts";
import { type Routed, routedNetworks } from "../routed.ts";

export const firewall: Check = {
  id: "firewall",
  run(patient) {
    const routed = routedNetworks(patient);
    const found = routed.flatMap((one) => one.subnets.flatMap((subnet) => blocked(one, subnet, patient)));
    const ofPorts = routed.flatMap((one) => one.families.flatMap((family) => portBlocked(one, family, patient)));
    return orOk(
      [...found, ...ofPorts, ...legacy(routed, patient)],
      "no firewall drops what containers send or publish",
    );
  },
};

function blocked(routed: Routed, subnet: Cidr, patient: Patient): Finding[] {
  const out = uplink(patient.kernel)?.index;
  const output = out === undefined ? undefined : patient.host.link(out);
  const drop = dropOf(patient.host, {
    source: addressBytes({ family: subnet.family, value: subnet.value + 2n }),
    destination: farAway[subnet.family],
    input: routed.link === undefined ? absent(routed.from.replace("*", "0")) : deviceOf(routed.link),
    // Without a default route, a link that no rule names.
    output: output === undefined ? absent("uplink") : deviceOf(output),
    hasLinks: routed.link !== undefined,
  });
  // ns-net's own rules drop what a configuration asks them to.
  if (drop === undefined || drop.by.table === nftTable) return [];
  const program = programOf(drop.by, patient);
  const what = drop.isAnswer
    ? `the answers to what containers of ${routed.network.name} send`
    : `what containers of ${routed.network.name} send to the outside`;
  return [warn(`${program} drops ${what}: ${placeText(drop.by)}`, cureOf(drop, program, routed, subnet))];
}

/** A client outside calls the first published port of the network, which stands for the others. */
function portBlocked({ network, link, from, subnets }: Routed, family: 4 | 6, patient: Patient): Finding[] {
  const out = uplink(patient.kernel)?.index;
  const input = out === undefined ? undefined : patient.host.link(out);
  const length = family === 4 ? 4 : 16;
  const own = patient.host.addresses.find(
    ({ linkIndex, bytes, isLinkLocal }) => linkIndex === out && bytes.length === length && !isLinkLocal,
  );
  if (input === undefined || link === undefined || own === undefined) return [];
  for (const { hostAddress, hostPort, containerAddress, protocol } of ourPorts(patient.kernel)) {
    const target = parseAddress(containerAddress ?? "");
    if (target?.family !== family || protocol === "sctp" || hostAddress !== anyAddressFor(containerAddress!)) continue;
    if (!subnets.some((subnet) => contains(subnet, target))) continue;
    const drop = dropOf(patient.host, {
      ...{ source: farAway[family], destination: own.bytes, input: deviceOf(input), output: deviceOf(link) },
      ...{ hasLinks: true, to: { protocol, port: hostPort }, translated: addressBytes(target) },
    });
    if (drop === undefined || drop.by.table === nftTable) return [];
    const program = programOf(drop.by, patient);
    const what = drop.isAnswer ? "the answers to callers of" : "what callers outside send to";
    const says = `${program} drops ${what} published ports of ${network.name}: ${placeText(drop.by)}`;
    const cure = drop.isForward
      ? openingOf(drop.by, program, from, openingForPorts)
      : `ns-net explain outside host:${hostPort}${protocol === "udp" ? "/udp" : ""}${patient.sameStore}`;
    return [warn(says, cure)];
  }
  return [];
}

/** A link that does not exist, with a number that no link has. */
const absent = (name: string): Device => ({ name, index: 0x7fffffff, group: 0, kind: undefined });

type Program = "firewalld" | "ufw" | "Docker" | "iptables" | "nf_tables";

function programOf({ family, table }: Place, { host }: Patient): Program {
  if (table === "firewalld") return "firewalld";
  const has = (chain: string) =>
    host.ruleset.chains.some((one) => one.family === family && one.table === table && one.name === chain);
  if (has("ufw-user-forward") || has("ufw6-user-forward")) return "ufw";
  if (has("DOCKER-USER")) return "Docker";
  const isIptables =
    ["ip", "ip6"].includes(familyText(family)) && ["filter", "mangle", "raw", "security"].includes(table);
  return isIptables ? "iptables" : "nf_tables";
}

function cureOf({ by, isForward }: Drop, program: Program, { from }: Routed, subnet: Cidr): string {
  const { family, table, chain } = by;
  if (!isForward) {
    const ip = subnet.family === 6 ? "ip6" : "ip";
    const insert = `nft insert rule ${familyText(family)} ${table} ${chain} ${ip}`;
    return `${insert} saddr ${formatCidr(subnet)} accept && ${insert} daddr ${formatCidr(subnet)} accept`;
  }
  return openingOf(by, program, from, opening);
}

function openingOf({ family, table, chain }: Place, program: Program, link: string, by: typeof opening): string {
  if (program === "ufw" && !link.endsWith("*"))
    return `ufw route allow in on ${link} && ufw route allow out on ${link}`;
  // Docker writes its other chains again, and leaves this one alone.
  return by({ family, name: table }, program === "Docker" ? "DOCKER-USER" : chain, link);
}

/** Netlink shows no rules of iptables-legacy. */
function legacy(routed: readonly Routed[], { host }: Patient): Finding[] {
  return ([4, 6] as const).flatMap((version): Finding[] => {
    const [first] = routed.filter(({ families }) => families.includes(version));
    if (first === undefined || !host.legacyTables(version).includes("filter")) return [];
    const program = version === 6 ? "ip6tables-legacy" : "iptables-legacy";
    const says = `${program} has rules, which no other program sees: they may drop what containers of ${first.network.name} send`;
    const rules = [
      `-i ${first.from} -j ACCEPT`,
      `-o ${first.from} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ];
    return [warn(says, rules.map((rule) => `${program} -I FORWARD ${rule.replace("*", "+")}`).join(" && "))];
  });
}
