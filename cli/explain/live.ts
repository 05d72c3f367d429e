/** `explain --live`: a probe from the sender, watched in all namespaces of the path. */
import { randomInt } from "node:crypto";
import { settle } from "../../explain/live/settle.ts";
import { Watch } from "../../explain/live/watch.ts";
import type { Answer } from "../../explain/path/answer.ts";
import type { Question } from "../../explain/path/world.ts";
import { etherType, protocolNumber } from "../../explain/rules/packet.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { probe } from "../../lab/tests/probe.ts";
import type { Netns } from "../../sys/netns.ts";
import { untilSignal } from "./interrupted.ts";
import type { Machine } from "./machine.ts";

/**
 * An unusual length of IP packets, by which the kernel's reports show the probe: another one each time, because others may
 * ask at the same time. Every link of IPv6 takes it (RFC 8200).
 */
const unusualBytes = () => randomInt(701, 1200);

/** Sends one probe. Throws Fault. */
export async function settled(found: Answer, machine: Machine, question: Question): Promise<Answer> {
  const { from, protocol, port = 0, version } = question;
  const sender = from.is === "site" || from.is === "address" ? from.site : undefined;
  const destination = destinationOf(found, machine, question);
  if (sender === undefined || destination === undefined) return found;
  const length = protocol === "tcp" ? undefined : unusualBytes();
  const icmp = version === 4 ? protocolNumber.icmp : protocolNumber.icmp6;
  let watch: Watch | undefined;
  // From now on a signal waits until the watch is whole.
  using _ = untilSignal(() => watch?.close());
  using opened = new Watch({
    sites: machine.sites,
    // Answers of UDP have any length.
    shape: {
      protocol: protocol === "icmp" ? icmp : protocolNumber[protocol],
      lengthBytes: protocol === "icmp" ? length : undefined,
    },
    followed: {
      lengthBytes: length,
      etherType: version === 4 ? etherType.ipv4 : etherType.ipv6,
      devices: sender.links.map(({ name }) => name),
    },
    addresses: [...found.addresses.slice(0, 1), destination],
  });
  watch = opened;
  const to =
    protocol === "icmp" ? ({ kind: "ping", name: "" } as const) : ({ kind: protocol, name: "", port } as const);
  const send = async (netns: Netns, bytes: Uint8Array, patienceMs: number) => {
    const outcome = await probe({ from: netns, to, address: addressFromBytes(bytes), length, patienceMs });
    return { reached: outcome.reached, how: outcome.reached ? "" : outcome.how };
  };
  return await settle({ found, question, world: machine, sender, destination }, opened, send);
}

/** The address that is asked; undefined if none is known. For the outside it is the first machine there. */
function destinationOf(found: Answer, machine: Machine, { to, version }: Question): Uint8Array | undefined {
  const [, asked] = found.addresses;
  if (to.is === "outside") {
    const answer = asked && machine.host.ask({ destination: asked });
    return answer === undefined || "errno" in answer ? undefined : answer.gateway;
  }
  if (asked !== undefined) return asked;
  if (to.is === "address") return to.address;
  if (to.is !== "site") return undefined;
  const length = version === 4 ? 4 : 16;
  return to.site.addresses.find(({ bytes, isLinkLocal }) => bytes.length === length && !isLinkLocal && bytes[0] !== 127)
    ?.bytes;
}
