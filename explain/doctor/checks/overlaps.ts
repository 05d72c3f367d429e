/** Subnets that two networks have, or a network and a route of the host: packets go to one of the two. */
import { type Cidr, overlaps as cidrsOverlap, formatCidr, networkOf, parseCidr } from "../../../ip/address.ts";
import { isOurGroup } from "../../../kernel/ownership.ts";
import { routesOfLinks } from "../../../kernel/routes.ts";
import { isRival } from "../../../plugin/diagnose/overlappingRoutes.ts";
import type { Network } from "../../networks/everyNetwork.ts";
import { type Check, type Finding, orOk, warn } from "../finding.ts";
import type { Patient } from "../patient.ts";

export const overlaps: Check = {
  id: "overlaps",
  run: (patient) =>
    orOk([...betweenNetworks(patient), ...withRoutes(patient)], "no two networks have the same addresses"),
};

const cidrsOf = ({ subnets }: Network): Cidr[] => subnets.flatMap((text) => parseCidr(text) ?? []).map(networkOf);

function betweenNetworks({ networks, sameStore }: Patient): Finding[] {
  return networks.flatMap((one, i) =>
    networks.slice(i + 1).flatMap((other): Finding[] => {
      const [mine, theirs] = [cidrsOf(one), cidrsOf(other)];
      const shared = mine.find((subnet) => theirs.some((another) => cidrsOverlap(subnet, another)));
      if (shared === undefined) return [];
      const second = theirs.find((another) => cidrsOverlap(shared, another))!;
      const says = `${nameOf(one)} has ${formatCidr(shared)}, and ${nameOf(other)} has ${formatCidr(second)}: the host sends packets for containers to one of them`;
      return [warn(says, cureFor(one, other, sameStore))];
    }),
  );
}

const nameOf = ({ name, source }: Network) => (source === "kernel" ? `the bridge ${name}` : `the network ${name}`);

/** Whichever of the two is in use less. */
function cureFor(one: Network, other: Network, sameStore: string): string {
  const [least] = [one, other].sort((a, b) => a.attachments - b.attachments);
  const { name, source, bridge, path, attachments } = least!;
  if (source === "kernel") {
    return attachments === 0 ? `ip link delete ${bridge}` : `Let the program that made ${bridge} use another subnet`;
  }
  if (attachments === 0) return `ns-net network rm ${name}${sameStore}`;
  return `Give ${name} another subnet${path ? ` in ${path}` : ""}, and attach its containers again`;
}

function withRoutes({ networks, kernel, host }: Patient): Finding[] {
  const routes = routesOfLinks(kernel);
  return networks.flatMap((network) =>
    cidrsOf(network).flatMap((subnet) =>
      routes.flatMap(({ destination, link }): Finding[] => {
        const to = host.links.find(({ name }) => name === link);
        const isOwn = link === network.bridge || (to !== undefined && isOurGroup(to.group ?? 0));
        // A bridge of another network is named as such.
        const isNamed = networks.some(({ bridge }) => bridge === link);
        if (isOwn || isNamed || !isRival(destination, subnet)) return [];
        const ip = destination.family === 6 ? "ip -6" : "ip";
        return [
          warn(
            `${nameOf(network)} has ${formatCidr(subnet)}, and the host has a route of ${formatCidr(destination)} to ${link}: packets for containers may go there`,
            `${ip} route delete ${formatCidr(destination)} dev ${link}`,
          ),
        ];
      }),
    ),
  );
}
