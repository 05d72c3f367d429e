/** `portmap`: publishes ports of a container that another plugin attached. */

import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import type { ChainKeys, PortMapping } from "../../conf/config/config.ts";
import { containerPortOf, inRows } from "../../conf/config/portRow.ts";
import { badConfig } from "../../conf/fault.ts";
import { familyOf, formatAddress, parseAddress, parseCidr } from "../../ip/address.ts";
import type { Step } from "../../step/index.ts";
import type { TargetedMapping } from "../../step/ports/elements.ts";
import { type ChainedType, containerAddresses } from "../chain.ts";
import type { PortmapFacts } from "../facts.ts";

export const portmap: ChainedType<PortmapFacts> = {
  plan({ attachment, features, prev, facts }) {
    const { portMappings } = features;
    if (portMappings.length === 0) return { steps: [], result: prev };
    const addresses = containerAddresses(attachment.ifname, prev);
    return {
      steps: portsSteps({ attachment, features, addresses, ...facts }),
      result: prev,
      ports: { mappings: portMappings, addresses: addresses.map((address) => ({ address })) },
    };
  },

  leftovers: ["ports", "portConditions", "masqAll"],
};

export interface PortsInput {
  readonly attachment: Attachment;
  readonly features: ChainKeys;
  /** CIDRs of the container. */
  readonly addresses: readonly string[];
  /** The host's interface towards the container. */
  readonly through: string | undefined;
  /** The known host's ends of its links. */
  readonly ownLinks: readonly string[];
  /** False: `ownLinks` get no filter. */
  readonly mayFilter?: boolean;
}

/**
 * Leaves out a mapping whose host address is of a family that the container lacks, as the reference does. Throws Fault
 * (code.config) if the container has no address at all.
 */
export function portsSteps({
  attachment,
  features,
  addresses,
  through,
  ownLinks,
  mayFilter = true,
}: PortsInput): Step[] {
  const { portMappings, conditions, snat, masqAll } = features;
  if (portMappings.length === 0) return [];
  const firsts = [4, 6].flatMap((family) => {
    const found = addresses.map((text) => parseCidr(text)!).find((cidr) => cidr.family === family);
    return found ? [formatAddress(found)] : [];
  });
  const mappings = distinct(portMappings.flatMap((mapping) => targeted(mapping, firsts, attachment)));
  if (mappings.length === 0) return [];
  const isConditional = mappings.some(({ target }) => conditions[familyOf(target)].length > 0);
  const isLocalnet = snat && through !== undefined && mappings.some(hearsLoopback);
  return [
    { kind: "ports", attachment, mappings, hairpin: snat ? through : undefined },
    ...(isConditional ? [{ kind: "portConditions", attachment, mappings, conditions } as const] : []),
    ...(masqAll ? [{ kind: "masqAll", attachment, addresses: targetsOf(mappings) } as const] : []),
    // Without route_localnet the kernel drops packets from 127.0.0.1 that leave by an interface, as martians.
    ...(isLocalnet
      ? [
          ...(mayFilter ? ownLinks.map((link) => ({ kind: "closedLoopback", link }) as const) : []),
          { kind: "routeLocalnet", link: through, but: ownLinks } as const,
        ]
      : []),
  ];
}

const targetsOf = (mappings: readonly TargetedMapping[]) => [...new Set(mappings.map(({ target }) => target))];

function targeted(mapping: PortMapping, targets: readonly string[], attachment: Attachment): TargetedMapping[] {
  const { hostIp } = mapping;
  const family = hostIp === undefined ? undefined : parseAddress(hostIp)!.family;
  const fitting = targets.filter((target) => family === undefined || parseAddress(target)!.family === family);
  if (targets.length === 0) {
    throw badConfig(
      "runtimeConfig.portMappings",
      { hostPort: mapping.hostPort, hostIP: hostIp },
      `for a container with an address; ${attachmentText(attachment)} has none`,
    );
  }
  return fitting.map((target) => ({ ...mapping, target }));
}

/** A mapping without a host address is the same as one with 0.0.0.0 or ::. */
function distinct(mappings: readonly TargetedMapping[]): TargetedMapping[] {
  const placeOf = ({ protocol, hostIp = "*", target }: TargetedMapping) =>
    `${protocol} ${hostIp === "0.0.0.0" || hostIp === "::" ? "*" : hostIp} ${target}`;
  return inRows(mappings, placeOf, ({ first, second, port: hostPort }) =>
    badConfig(
      "runtimeConfig.portMappings",
      { hostPort, containerPort: containerPortOf(second, hostPort) },
      `mapped once: port ${hostPort}/${second.protocol} leads to ${containerPortOf(first, hostPort)} already`,
    ),
  );
}

function hearsLoopback({ hostIp, target }: TargetedMapping): boolean {
  return familyOf(target) === 4 && (hostIp === undefined || hostIp === "0.0.0.0" || hostIp.startsWith("127."));
}
