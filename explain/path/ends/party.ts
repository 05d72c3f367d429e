/** The sides of the question before any packet is sent: namespace, interface, address. */
import { Blocked, type CauseCode, Undecided } from "../cause.ts";
import { isLoopback, isRunning, isUp, isVeth, type Site, type SiteAddress, type SiteLink } from "../site/site.ts";
import type { Walk } from "../walk.ts";
import type { Party } from "../world.ts";

/** Throws Blocked if the namespace of a side is gone. */
export function siteOf(party: Party): Site | undefined {
  if (party.is === "gone") {
    const { where, name, cure } = party;
    const what = `the namespace of ${name} is gone`;
    throw new Blocked({ code: "no-namespace", where, what, cure });
  }
  return party.is === "outside" ? undefined : party.site;
}

/** The addresses by which a namespace can be reached, the usable ones first; throws Blocked if there is none. */
export function usableAddress(
  walk: Walk,
  site: Site,
  version: 4 | 6,
  isWanted?: (one: SiteAddress) => boolean,
): SiteAddress {
  const own = site.links.filter((link) => !isLoopback(link));
  if (own.length === 0) {
    const cure = walk.world.attachedTo(site)[0]?.again ?? "";
    throw fault(walk, site, "no-interface", `${site.where} has no interface besides lo`, cure);
  }
  const length = version === 4 ? 4 : 16;
  const all = site.addresses.filter(({ bytes, isLinkLocal, linkIndex }) => {
    const link = site.link(linkIndex);
    return bytes.length === length && !isLinkLocal && link !== undefined && !isLoopback(link);
  });
  const isReady = ({ linkIndex, isTentative }: SiteAddress) => isUp(site.link(linkIndex)!) && !isTentative;
  const ready = all.filter(isReady);
  const found = ready.find((one) => isWanted?.(one) ?? true) ?? ready[0];
  if (found !== undefined) {
    refuseWithoutCarrier(walk, site, site.link(found.linkIndex)!);
    return found;
  }
  if (version === 6 && site === walk.sender && site.addresses.some(isUsableLinkLocal)) {
    throw new Undecided(
      site.where,
      `${site.where} has only a link-local IPv6 address, by which it may reach some neighbours`,
    );
  }
  throw noAddress(walk, site, version, own, all);
}

const isUsableLinkLocal = ({ isLinkLocal, isTentative }: SiteAddress) => isLinkLocal && !isTentative;

/** A veth without carrier: its other end is down. */
function refuseWithoutCarrier(walk: Walk, site: Site, link: SiteLink): void {
  if (!isVeth(link) || isRunning(link)) return;
  const peer = walk.world.peerOf(site, link);
  if (peer === undefined || isUp(peer.link)) return;
  const code = peer.site.isHost ? "host-end-down" : "interface-down";
  const what = `${peer.link.name}, the other end of ${link.name}, is down`;
  throw fault(walk, peer.site, code, what, `${peer.site.prefix}ip link set ${peer.link.name} up`);
}

function noAddress(
  walk: Walk,
  site: Site,
  version: 4 | 6,
  own: readonly SiteLink[],
  all: readonly SiteAddress[],
): Blocked {
  const tentative = all.find(({ isTentative, linkIndex }) => isTentative && isUp(site.link(linkIndex)!));
  if (tentative !== undefined) {
    const link = site.link(tentative.linkIndex)!.name;
    const what = `${tentative.text} of ${link} is still in duplicate address detection, or another holder was found`;
    const again = `${tentative.text}/${tentative.prefixLength} dev ${link}`;
    const cure = `${site.prefix}sh -c 'ip -6 address del ${again} && ip -6 address add ${again} nodad'`;
    return fault(walk, site, "tentative", what, cure);
  }
  const remembered = walk.world.attachedTo(site);
  const lost = remembered.find(
    ({ ifname, addresses }) =>
      !own.some(({ name }) => name === ifname) && addresses.some((cidr) => cidr.includes(":") === (version === 6)),
  );
  if (lost !== undefined && all.length === 0)
    return fault(walk, site, "no-interface", `${site.where} has no interface ${lost.ifname}`, lost.again);
  const wanted = remembered.flatMap(({ addresses, ifname }) => addresses.map((cidr) => ({ cidr, ifname })));
  const mine = wanted.find(({ cidr }) => cidr.includes(":") === (version === 6));
  const off =
    version === 6 ? own.find(({ name }) => site.number(`net/ipv6/conf/${name}/disable_ipv6`) === 1) : undefined;
  const add = mine ? addressCure(version, mine.cidr, mine.ifname) : "";
  if (off !== undefined) {
    const on = `sysctl -w net.ipv6.conf.${off.name}.disable_ipv6=0`;
    const cure = add ? `${site.prefix}sh -c '${on} && ${add}'` : `${site.prefix}${on}`;
    return fault(walk, site, "ipv6-disabled", `IPv6 is off on ${off.name} (disable_ipv6 is 1)`, cure);
  }
  const down = own.filter((link) => !isUp(link));
  if (down.length > 0 && (all.length > 0 || down.length === own.length)) {
    const link = down[0]!.name;
    const up = `ip link set ${link} up`;
    const cure = all.length === 0 && add ? `${site.prefix}sh -c '${up} && ${add}'` : `${site.prefix}${up}`;
    return fault(walk, site, "interface-down", `${link} is down`, cure);
  }
  const what = `${site.where} has no IPv${version} address on ${own.map(({ name }) => name).join(", ")}`;
  return fault(walk, site, "no-address", what, add ? `${site.prefix}${add}` : "");
}

const addressCure = (version: 4 | 6, cidr: string, ifname: string) =>
  version === 4 ? `ip address add ${cidr} dev ${ifname}` : `ip -6 address add ${cidr} dev ${ifname} nodad`;

function fault(walk: Walk, site: Site, code: CauseCode, what: string, cure: string): Blocked {
  walk.note(site.where, "interface", what, "drop");
  return new Blocked({ code, where: site.where, what, cure });
}
