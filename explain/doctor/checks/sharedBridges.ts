/** Two plugins on one bridge give the same addresses, or remove each other's settings. */
import { type Address, contains, formatAddress, networkOf, overlaps, parseCidr } from "../../../ip/address.ts";
import { reservationFolder } from "../../../ipam/hostLocal/folder.ts";
import { reservationOf } from "../../../ipam/hostLocal/reservations.ts";
import { isOurGroup } from "../../../kernel/ownership.ts";
import type { LinkWithPeer } from "../../namespaces/peers.ts";
import { bridgeOf, type Configured, isOurs, pluginsOf, subnetsOf } from "../../networks/configured.ts";
import type { Network } from "../../networks/everyNetwork.ts";
import type { SiteLink } from "../../path/site/site.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import type { Patient } from "../patient.ts";

export const sharedBridges: Check = {
  id: "bridges",
  run: (patient) => orOk([...byConfigurations(patient), ...foreignPorts(patient)], "each bridge has one plugin"),
};

function byConfigurations({ configured }: Patient): Finding[] {
  // A network is known by the first file of its name.
  const networks = configured.filter(
    (one, i) => configured.findIndex(({ configuration }) => configuration["name"] === one.configuration["name"]) === i,
  );
  return networks.flatMap((one, i) =>
    networks.slice(i + 1).flatMap((other): Finding[] => {
      const bridge = bridgeOf(one);
      if (bridge === undefined || bridge !== bridgeOf(other)) return [];
      // One store divides the addresses of ns-net's own networks.
      if (typeOf(one) === typeOf(other) && isOurs(one) && !haveSameAddresses(one, other)) return [];
      return [
        warn(
          `two plugins use the bridge ${bridge}: ${described(one)} and ${described(other)}`,
          `Give one of them another bridge: the key bridge${other.path ? ` in ${other.path}` : ""}`,
        ),
      ];
    }),
  );
}

const typeOf = ({ configuration }: Configured) => String(pluginsOf(configuration)[0]?.["type"]);
const described = (one: Configured) => `${typeOf(one)} for the network ${String(one.configuration["name"])}`;

function haveSameAddresses(one: Configured, other: Configured): boolean {
  const [mine, theirs] = [one, other].map((each) => subnetsOf(each).flatMap((text) => parseCidr(text) ?? []));
  return mine!.some((a) => theirs!.some((b) => overlaps(a, b)));
}

/**
 * Containers of other programs in a bridge of ns-net's. One whose address is leased here is no fault: its bridge plugin asked
 * ns-net for it, or host-local reserved it, which the next ADD takes over.
 */
function foreignPorts(patient: Patient): Finding[] {
  const { host, networks, configured, entries } = patient;
  const known = new Set(entries.map(({ hostLink }) => hostLink));
  return networks.flatMap((network): Finding[] => {
    const { name, bridge, source } = network;
    const configuration = configured.find((one) => one.configuration["name"] === name);
    const link = host.links.find((one) => one.name === bridge);
    if (link === undefined || !(source === "store" || (configuration && isOurs(configuration)))) return [];
    const ports = host.links.filter(
      ({ master, group, name: port }) => master === link.index && !isOurGroup(group ?? 0) && !known.has(port),
    );
    return ports.flatMap((port): Finding[] => {
      const inside = innerEnd(port, patient);
      if (inside === undefined) return [];
      const own = addressesOf(inside);
      const unknown = own.filter((address) => !isLeased(address, network, patient));
      if (own.length > 0 && unknown.length === 0) return [];
      const has = unknown.length === 0 ? "" : `, ${unknown.map(formatAddress).join(" and ")} at present`;
      return [
        warn(
          `another program attached ${port.name} to ${bridge}, the bridge of ${name}: its container may have an address of this network${has}, which ns-net may give again`,
          `Let that program use another bridge, or leave its addresses out of the ranges of ${name} (ipam.ranges)`,
        ),
      ];
    });
  });
}

/** The other end of a veth, if it is in another namespace. */
function innerEnd(port: SiteLink, { namespaces }: Patient): LinkWithPeer | undefined {
  const own = namespaces.find(({ isOwn }) => isOwn);
  const peer = own?.links.find(({ index }) => index === port.index)?.peer;
  if (peer === undefined || peer.inode === own?.inode) return undefined;
  return namespaces.find(({ inode }) => inode === peer.inode)?.links.find(({ name }) => name === peer.name);
}

/** Without link-local ones, which each link has. */
function addressesOf({ addresses }: LinkWithPeer): Address[] {
  const all = addresses.flatMap((text) => parseCidr(text) ?? []);
  return all.filter((cidr) => !contains(linkLocal, cidr));
}

const linkLocal = networkOf(parseCidr("fe80::/10")!);

function isLeased(address: Address, { name }: Network, { store }: Patient): boolean {
  const folder = store?.memory(name)?.adoptedFrom || reservationFolder(name);
  return store?.holder(name, address) !== undefined || reservationOf(folder, address) !== undefined;
}
