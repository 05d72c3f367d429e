/** payload: bytes of a header, loaded or written. NFT_PAYLOAD_*; net/netfilter/nft_payload.c. */
import { payloadRead } from "../../../netlink/nft/read/expressions.ts";
import { type Packet, protocolOf } from "../packet.ts";
import type { RuleRun, Step } from "./rule.ts";

const [link, network, transport] = [0, 1, 2];
const baseNames = ["link header", "network header", "transport header", "inner header", "tunnel header"];

export function evaluatePayload(data: Uint8Array, run: RuleRun): Step {
  const { destination, source, base = 0, offset = 0, length = 0 } = payloadRead.get(data);
  const words = `${length} bytes at ${offset} of the ${baseNames[base] ?? "packet"}`;
  if (destination === undefined) return write(source ?? 0, base, offset, length, run, words);
  const part = partAt(run.passage.packet, base);
  const end = offset + length;
  if (part === "break" || end > part.end) return "break";
  if (end <= part.known.length) run.registers.write(destination, part.known.slice(offset, end));
  else run.registers.writeUnknown(destination, length, words);
  return undefined;
}

interface Part {
  readonly known: Uint8Array;
  /** The length from the beginning of this header to the end of the packet. */
  readonly end: number;
}

function partAt(packet: Packet, base: number): Part | "break" {
  if (base === link) {
    if (packet.link === undefined) return "break";
    return { known: packet.link, end: packet.link.length + packet.length };
  }
  if (base === network) return { known: Buffer.concat([packet.network, packet.transport]), end: packet.length };
  if (protocolOf(packet) === undefined) return "break";
  if (base === transport) return { known: packet.transport, end: packet.length - packet.network.length };
  return { known: new Uint8Array(0), end: Number.POSITIVE_INFINITY };
}

function write(from: number, base: number, offset: number, length: number, run: RuleRun, words: string): Step {
  const value = run.registers.read(from, length);
  const { passage } = run;
  if (typeof value === "string") {
    run.choose(2, `${words} set to ${value}`);
    return undefined;
  }
  const name = base === link ? "link" : base === network ? "network" : base === transport ? "transport" : undefined;
  const old = name && passage.packet[name];
  if (name === undefined || old === undefined || offset + length > old.length) return "break";
  const bytes = old.slice();
  bytes.set(value, offset);
  passage.packet = { ...passage.packet, [name]: bytes };
  return undefined;
}
