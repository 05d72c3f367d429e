/**
 * MTUs that do not fit together. A frame that is too large for the next link of a bridge or a veth is dropped without a
 * word: only routers answer (net/bridge/br_forward.c, net/core/dev.c, is_skb_forwardable).
 */
import { uplink } from "../../../kernel/routes.ts";
import { vxlan, vxlanKind } from "../../../netlink/route/kind/vxlan.ts";
import type { LinkWithPeer } from "../../namespaces/peers.ts";
import { isBridge, type SiteLink } from "../../path/site/site.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import type { Patient } from "../patient.ts";
import { routedNetworks } from "../routed.ts";

/** Outer Ethernet, IP, UDP and VXLAN headers (RFC 7348, section 5). */
const vxlanBytes = { 4: 50, 6: 70 } as const;

export const mtu: Check = {
  id: "mtu",
  run: (patient) =>
    orOk(
      [...acrossBridges(patient), ...acrossVeths(patient), ...belowUplink(patient), ...insideVxlan(patient)],
      "the MTUs fit together",
    ),
};

interface End {
  readonly mtu: number;
  readonly text: string;
  /** The command that changes it, but for the number. */
  readonly change: string;
}

function acrossBridges(patient: Patient): Finding[] {
  return patient.host.links.filter(isBridge).flatMap((bridge): Finding[] => {
    const ports = patient.host.links.filter(({ master }) => master === bridge.index);
    const ends = ports.flatMap((port) => endsOf(port, patient));
    const wanted = mostCommon(ends.map((one) => one.mtu));
    if (wanted === undefined) return [];
    const odd = [...ends, endOf(bridge)].filter((one) => one.mtu !== wanted);
    return odd.map((one) =>
      warn(
        `${one.text} has MTU ${one.mtu}, and other links of the bridge ${bridge.name} ${wanted}: larger frames are lost on the way`,
        `${one.change} mtu ${wanted}`,
      ),
    );
  });
}

/** Both ends of each veth that is in no bridge. */
function acrossVeths(patient: Patient): Finding[] {
  return patient.host.links.flatMap((link): Finding[] => {
    if (link.master !== undefined) return [];
    const [own, other] = endsOf(link, patient);
    if (own === undefined || other === undefined || own.mtu === other.mtu) return [];
    const [less, more] = own.mtu < other.mtu ? [own, other] : [other, own];
    return [
      warn(
        `${more.text} has MTU ${more.mtu}, and its other end ${less.text} ${less.mtu}: larger packets are lost`,
        `${more.change} mtu ${less.mtu}`,
      ),
    ];
  });
}

function belowUplink(patient: Patient): Finding[] {
  const out = uplink(patient.kernel);
  return routedNetworks(patient).flatMap(({ network, link }): Finding[] => {
    if (link === undefined || out?.mtu === undefined || out.index === link.index || (link.mtu ?? 0) <= out.mtu)
      return [];
    const file = network.path ? ` in ${network.path}` : "";
    return [
      warn(
        `the network ${network.name} has MTU ${link.mtu}, and the default route leads by ${out.name} with ${out.mtu}: large packets need path-MTU discovery, which many firewalls break`,
        `Set "mtu": ${out.mtu} for ${network.name}${file}, and attach its containers again`,
      ),
    ];
  });
}

function insideVxlan({ host, kernel }: Patient): Finding[] {
  return host.links.flatMap((link): Finding[] => {
    if (link.info?.kind !== vxlanKind || link.mtu === undefined) return [];
    const { lower: index, local } = vxlan.get(link.info.data ?? new Uint8Array(0));
    const lower = index ? host.link(index) : uplink(kernel);
    const most = (lower?.mtu ?? Number.POSITIVE_INFINITY) - vxlanBytes[local?.length === 16 ? 6 : 4];
    if (link.mtu <= most) return [];
    return [
      warn(
        `the VXLAN ${link.name} has MTU ${link.mtu}, and ${lower?.name} has room for ${most}: large packets are lost or cut in pieces`,
        `ip link set ${link.name} mtu ${most}`,
      ),
    ];
  });
}

/** The link, and for a veth its other end. */
function endsOf(link: SiteLink, { namespaces }: Patient): End[] {
  const own = namespaces.find(({ isOwn }) => isOwn);
  const peer = own?.links.find(({ index }) => index === link.index)?.peer;
  const other = peer && namespaces.find(({ inode }) => inode === peer.inode);
  const end = other?.links.find(({ name }) => name === peer?.name);
  if (other === undefined || end === undefined || end.mtu === undefined) return [endOf(link)];
  const [path = ""] = other.paths;
  const inside = other.isOwn ? "" : `nsenter --net=${path} `;
  const where = other.isOwn ? "" : ` of ${other.names[0] ?? path}`;
  return [endOf(link), { mtu: end.mtu, text: `${end.name}${where}`, change: `${inside}ip link set ${end.name}` }];
}

const endOf = ({ name, mtu: own = 0 }: Pick<SiteLink | LinkWithPeer, "name" | "mtu">): End => ({
  mtu: own,
  text: name,
  change: `ip link set ${name}`,
});

function mostCommon(numbers: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0]?.[0];
}
