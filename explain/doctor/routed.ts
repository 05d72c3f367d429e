/** The networks whose packets the host forwards, with the link by which they come. */
import { type Cidr, contains, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { anyHostLink } from "../../kernel/linkNames.ts";
import { pluginsOf } from "../networks/configured.ts";
import type { Network } from "../networks/everyNetwork.ts";
import type { SiteLink } from "../path/site/site.ts";
import type { Patient } from "./patient.ts";

export interface Routed {
  readonly network: Network;
  /** The bridge, or the host end of a point-to-point link; undefined before the first ADD. */
  readonly link: SiteLink | undefined;
  /** Its name, also before it exists; for point-to-point links that of any: `nsv*`. */
  readonly from: string;
  readonly subnets: readonly Cidr[];
  readonly families: readonly (4 | 6)[];
}

/** Networks of ns-net, and those of the reference's plugins that have a configuration here. */
export function routedNetworks(patient: Patient): Routed[] {
  return patient.networks.flatMap((network): Routed[] => {
    if (network.source === "kernel") return [];
    const subnets = network.subnets.flatMap((text) => {
      const cidr = parseCidr(text);
      return cidr === undefined ? [] : [networkOf(cidr)];
    });
    const families = [...new Set(subnets.map(({ family }) => family))];
    const routed = network.bridge === undefined ? overLinks(network, patient) : overBridge(network, subnets, patient);
    return routed === undefined ? [] : [{ network, subnets, families, ...routed }];
  });
}

type Link = Pick<Routed, "link" | "from">;

/** The bridge is a gateway if it has an address of the network; before it exists, if the configuration says so. */
function overBridge({ name, bridge = "" }: Network, subnets: readonly Cidr[], patient: Patient): Link | undefined {
  const link = patient.host.links.find((one) => one.name === bridge);
  if (link === undefined) return isGateway(name, patient) ? { link, from: bridge } : undefined;
  const own = patient.host.addresses.filter(({ linkIndex }) => linkIndex === link.index);
  const isGiven = own.some(({ text, isLinkLocal }) => {
    const address = parseAddress(text);
    return !isLinkLocal && address !== undefined && subnets.some((subnet) => contains(subnet, address));
  });
  return isGiven ? { link, from: bridge } : undefined;
}

function isGateway(name: string, { configured }: Patient): boolean {
  const found = configured.find(({ configuration }) => configuration["name"] === name);
  if (found === undefined) return false;
  return pluginsOf(found.configuration).some((one) => one["isGateway"] === true || one["isDefaultGateway"] === true);
}

/** Attachments with a gateway and without a bridge are those of `ptp`. */
function overLinks({ name }: Network, { entries, host }: Patient): Link | undefined {
  for (const { attachment, hostLink, addresses } of entries) {
    if (attachment.network !== name || !addresses.some(({ gateway }) => gateway)) continue;
    const link = host.links.find((one) => one.name === hostLink);
    if (link !== undefined) return { link, from: anyHostLink };
  }
  return undefined;
}
