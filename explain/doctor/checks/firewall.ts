/** Firewalls of other programs that drop what containers send to the outside, or the answers. */

import { type Cidr, formatCidr } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";
import { nftTable } from "../../../kernel/ownership.ts";
import { uplink } from "../../../kernel/routes.ts";
import { opening } from "../../../plugin/diagnose/forwardPolicy.ts";
import { deviceOf } from "../../path/site/surroundings.ts";
import type { Device } from "../../rules/packet.ts";
import type { Place } from "../../rules/passage.ts";
import { familyText, placeText } from "../../rules/words.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import { type Drop, dropOf } from "../passing.ts";
import type { Patient } from "../patient.ts";
import { type Routed, routedNetworks } from "../routed.ts";

/** Documentation (RFC 5737, RFC 3849): no rule names these for another purpose. */
const outside = {
  4: Uint8Array.of(203, 0, 113, 1),
  6: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};

export const firewall: Check = {
  id: "firewall",
  run(patient) {
    const routed = routedNetworks(patient);
    const found = routed.flatMap((one) => one.subnets.flatMap((subnet) => blocked(one, subnet, patient)));
    return orOk([...found, ...legacy(routed, patient)], "no firewall drops what containers send to the outside");
  },
};

function blocked(routed: Routed, subnet: Cidr, patient: Patient): Finding[] {
  const out = uplink(patient.kernel)?.index;
  const output = out === undefined ? undefined : patient.host.link(out);
  const drop = dropOf(patient.host, {
    source: addressBytes({ family: subnet.family, value: subnet.value + 2n }),
    destination: outside[subnet.family],
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
  if (program === "ufw" && !from.endsWith("*"))
    return `ufw route allow in on ${from} && ufw route allow out on ${from}`;
  // Docker writes its other chains again, and leaves this one alone.
  const where = program === "Docker" ? "DOCKER-USER" : chain;
  return opening({ family, name: table }, where, from);
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
