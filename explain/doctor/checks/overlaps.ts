/** Subnets that two networks have, or a network and a route of the host: packets go to one of the two. */
import {
  type Cidr,
  overlaps as cidrsOverlap,
  formatCidr,
  ipCommand,
  networkOf,
  parseCidr,
} from "../../../ip/address.ts";
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

function betweenNetworks(patient: Patient): Finding[] {
  const networks = patient.networks.filter((network) => !isUnused(network, patient));
  return networks.flatMap((one, i) =>
    networks.slice(i + 1).flatMap((other): Finding[] => {
      const [mine, theirs] = [cidrsOf(one), cidrsOf(other)];
      const shared = mine.find((subnet) => theirs.some((another) => cidrsOverlap(subnet, another)));
      if (shared === undefined) return [];
      const second = theirs.find((another) => cidrsOverlap(shared, another))!;
      const says = `${nameOf(one)} has ${formatCidr(shared)}, and ${nameOf(other)} has ${formatCidr(second)}: the host sends packets for containers to one of them`;
      return [warn(says, cureFor([one, other], patient))];
    }),
  );
}

const nameOf = ({ name, source }: Network) => (source === "kernel" ? `the bridge ${name}` : `the network ${name}`);

/** By hand, `add` chooses another subnet for a network that is in no file and has nothing attached. */
const isFree = ({ source, path, isChosen }: Network) => source !== "kernel" && path === "" && isChosen;

/** Nothing of such a network is left on the host. */
const isUnused = (network: Network, { host }: Patient) =>
  isFree(network) && network.attachments === 0 && !host.links.some(({ name }) => name === network.bridge);

/** For the one that is in use less. Only what nothing uses is removed, or has a condition. */
function cureFor(both: readonly Network[], { sameStore, entries }: Patient): string {
  const idle = both.find((one) => isFree(one) && one.attachments === 0);
  if (idle) return `ns-net gc${sameStore}`;
  const [least] = [...both].sort((a, b) => a.attachments - b.attachments);
  const again = both.filter((one) => isFree(one) && one !== least).map((one) => attachedAgain(one, entries));
  return [cureOf(least!, entries), ...again].join("; or: ");
}

function cureOf(network: Network, entries: Patient["entries"]): string {
  const { name, source, bridge, path, attachments } = network;
  if (source === "kernel" && attachments === 0) return `If no program needs ${bridge}: ip link delete ${bridge}`;
  if (source === "kernel") return `Let the program that made ${bridge} use another subnet`;
  if (isFree(network)) return attachedAgain(network, entries);
  const place = path === "" ? "" : ` in ${path}`;
  return `Give ${name} another subnet${place}${attachments === 0 ? "" : ", and attach its containers again"}`;
}

const shown = 3;

function attachedAgain({ name }: Network, entries: Patient["entries"]): string {
  const own = entries
    .filter(({ attachment }) => attachment.network === name)
    .map(({ attachment }) => attachment.container);
  const names = [...own.slice(0, shown), ...(own.length > shown ? ["…"] : [])].join(", ");
  return `Detach all containers of ${name} (ns-net del), then add them again (${names}): another subnet is chosen`;
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
        const ip = ipCommand(destination.family);
        return [
          warn(
            `${nameOf(network)} has ${formatCidr(subnet)}, and the host has a route of ${formatCidr(destination)} to ${link}: packets for containers may go there`,
            `Give ${network.name} another subnet; or, if nothing is behind that route: ${ip} route delete ${formatCidr(destination)} dev ${link}`,
          ),
        ];
      }),
    ),
  );
}
