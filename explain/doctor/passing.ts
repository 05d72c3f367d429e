/** Shows a connection that the host forwards, or hands from port to port of a bridge, to the rules of nf_tables. */

import { answerTo, firstPacket } from "../path/packets.ts";
import type { Site } from "../path/site/site.ts";
import { surroundingsOf } from "../path/site/surroundings.ts";
import { type Choices, explore } from "../rules/choices.ts";
import { answered, type Connection } from "../rules/connection.ts";
import { passHook } from "../rules/hooks.ts";
import { hook } from "../rules/order.ts";
import { addressOf, type Device, sameBytes } from "../rules/packet.ts";
import type { BridgePorts, Place } from "../rules/passage.ts";

export interface Passing {
  /** 4 or 16 bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly input: Device;
  readonly output: Device;
  /** For packets of one bridge that br_netfilter hands to the rules of IP. */
  readonly ports?: BridgePorts;
  /** False for a link that does not exist yet: rules before routing ask for its routes. */
  readonly hasLinks: boolean;
  /** Absent: HTTPS, which a firewall that lets containers out at all lets pass. */
  readonly to?: { readonly protocol: "tcp" | "udp"; readonly port: number };
  /** Where the rules must have led the packet before it is forwarded. Absent: nowhere else. */
  readonly translated?: Uint8Array;
}

export interface Drop {
  readonly by: Place;
  readonly isForward: boolean;
  readonly isAnswer: boolean;
}

const https = { protocol: "tcp", port: 443 } as const;
const ipFamilies = { 4: 2, 16: 10 } as const;

/**
 * The rule or policy that drops the connection for certain. Where that depends on what cannot be known, a rate for
 * example, nothing is said: a false alarm costs more than a missing one.
 */
export function dropOf(site: Site, passing: Passing): Drop | undefined {
  const { outcomes, isComplete } = explore((choices) => thereAndBack(site, passing, choices));
  return isComplete && outcomes.every(({ result }) => result !== undefined) ? outcomes[0]?.result : undefined;
}

function thereAndBack(site: Site, passing: Passing, choices: Choices): Drop | undefined {
  const { source, destination, input, output, ports, hasLinks, to: asked = https, translated } = passing;
  const family = ipFamilies[source.length as 4 | 16];
  const surroundings = surroundingsOf(site);
  const added = new Set<string>();
  let packet = firstPacket(asked.protocol, source, destination, asked.port);
  let connection: Connection | undefined;
  let isUntracked = false;
  for (const isAnswer of [false, true]) {
    const [from, to] = isAnswer ? [output, input] : [input, output];
    if (isAnswer) {
      packet = answerTo(packet);
      connection = connection && answered(connection);
    }
    for (const at of hasLinks ? [hook.prerouting, hook.forward] : [hook.forward]) {
      const isForward = at === hook.forward;
      const devices = { input: from, output: isForward ? to : undefined };
      const question = { family, hook: at, packet, ...devices, ports: isForward ? portsOf(ports, isAnswer) : ports };
      const passed = passHook(site.ruleset, { ...question, connection, isUntracked, surroundings, choices, added });
      if (passed.dropped) return { by: passed.dropped.by, isForward, isAnswer };
      ({ packet, connection, isUntracked } = passed);
      if (!isForward && !isAnswer && translated && !sameBytes(addressOf(packet, "destination"), translated))
        return undefined;
    }
  }
  return undefined;
}

function portsOf(ports: BridgePorts | undefined, isAnswer: boolean): BridgePorts | undefined {
  return ports && isAnswer ? { input: ports.output, output: ports.input } : ports;
}
