/** `portmap`: ports of the host that lead to a container which another plugin attached. */
import { formatAddress, parseAddress, parseCidr } from "../../conf/address.ts";
import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import { badConfig } from "../../conf/fault.ts";
import type { Features, PortMapping } from "../../conf/network.ts";
import { lookUpRoute } from "../../netlink/route/route.ts";
import { type ChainedType, containerAddresses } from "../chained.ts";
import type { Kernel } from "../kernel.ts";
import { addressBytes } from "../names.ts";
import type { Step } from "../step/index.ts";
import type { TargetedMapping } from "../step/ports.ts";

export const portmap: ChainedType = {
  plan({ attachment, features, prev, netns, kernel }) {
    const { portMappings } = features;
    if (portMappings.length === 0) return { steps: [], result: prev };
    (require("../takenPorts.ts") as typeof import("../takenPorts.ts")).refuseTaken(portMappings, attachment, kernel);
    const addresses = containerAddresses(attachment.ifname, prev);
    const through = addresses.length === 0 ? undefined : linkTowards(addresses[0]!, kernel);
    return {
      steps: portsSteps({ attachment, features, addresses, netns, through }),
      result: prev,
      ports: portMappings,
    };
  },

  removals: (attachment) => [
    { kind: "ports", attachment },
    { kind: "portCondition", attachment },
    { kind: "masqueradeAll", attachment },
  ],
};

export interface PortsInput {
  readonly attachment: Attachment;
  readonly features: Features;
  /** The container's, CIDR. */
  readonly addresses: readonly string[];
  readonly netns: string;
  /** The host's interface towards the container. */
  readonly through: string | undefined;
}

/** Throws Fault (code.config) when the container has no address that a port could lead to. */
export function portsSteps({ attachment, features, addresses, netns, through }: PortsInput): Step[] {
  const { portMappings, conditions, snat, masqAll } = features;
  if (portMappings.length === 0) return [];
  const firsts = [4, 6].flatMap((family) => {
    const found = addresses.map((text) => parseCidr(text)!).find((cidr) => cidr.family === family);
    return found ? [formatAddress(found)] : [];
  });
  const mappings = portMappings.flatMap((mapping) => targeted(mapping, firsts, attachment));
  const isConditional = mappings.some(({ target }) => conditions[target.includes(":") ? 6 : 4].length > 0);
  const isLocalnet = snat && through !== undefined && mappings.some(hearsLoopback);
  return [
    { kind: "ports", attachment, mappings, ...(snat && through !== undefined && { hairpin: through }) },
    ...(isConditional ? [{ kind: "portCondition", attachment, mappings, conditions } as const] : []),
    ...(masqAll ? [{ kind: "masqueradeAll", attachment, addresses: targetsOf(mappings) } as const] : []),
    // Or the kernel drops, as a martian, what 127.0.0.1 sends by an interface.
    ...(isLocalnet
      ? [{ kind: "sysctl", where: "host", path: `net/ipv4/conf/${through}/route_localnet`, value: "1", netns } as const]
      : []),
  ];
}

const targetsOf = (mappings: readonly TargetedMapping[]) => [...new Set(mappings.map(({ target }) => target))];

function targeted(mapping: PortMapping, targets: readonly string[], attachment: Attachment): TargetedMapping[] {
  const { hostIp } = mapping;
  const family = hostIp === undefined ? undefined : parseAddress(hostIp)!.family;
  const fitting = targets.filter((target) => family === undefined || parseAddress(target)!.family === family);
  // Runtimes ask for 0.0.0.0 and :: alike, whatever the container has.
  const isAny = hostIp === "0.0.0.0" || hostIp === "::";
  if (fitting.length === 0 && !(isAny && targets.length > 0)) {
    throw badConfig(
      "runtimeConfig.portMappings",
      { hostPort: mapping.hostPort, ...(hostIp && { hostIP: hostIp }) },
      `for a container with an ${family ? `IPv${family} ` : ""}address; ${attachmentText(attachment)} has ${targets.join(", ") || "none"}`,
    );
  }
  return fitting.map((target) => ({ ...mapping, target }));
}

function hearsLoopback({ hostIp, target }: TargetedMapping): boolean {
  return !target.includes(":") && (hostIp === undefined || hostIp === "0.0.0.0" || hostIp.startsWith("127."));
}

/** The interface that the host's routes lead to it by. */
function linkTowards(cidr: string, kernel: Kernel): string | undefined {
  const index = lookUpRoute(kernel.route("host"), addressBytes(parseCidr(cidr)!))?.outIndex;
  return index === undefined ? undefined : kernel.linkByIndex(index)?.name;
}
