/** ct: what connection tracking knows of the packet's connection. NFT_CT_*; net/netfilter/nft_ct.c. */
import { conntrackRead } from "../../../netlink/nft/read/expressions.ts";
import { type Connection, stateBit } from "../connection.ts";
import { protocolOf } from "../packet.ts";
import type { Passage } from "../passage.ts";
import { number16, number32, word } from "./numbers.ts";
import type { RuleRun, Step } from "./rule.ts";

const key = {
  state: 0,
  direction: 1,
  status: 2,
  mark: 3,
  l3Protocol: 7,
  source: 8,
  destination: 9,
  protocol: 10,
  sourcePort: 11,
  destinationPort: 12,
  zone: 17,
  sourceIp: 19,
  destinationIp: 20,
  sourceIp6: 21,
  destinationIp6: 22,
} as const;

/** IP_CT_DIR_REPLY */
const replyDirection = 1;

export function evaluateConntrack(data: Uint8Array, run: RuleRun): Step {
  const { key: number = 0, destination, source, direction } = conntrackRead.get(data);
  const { passage, registers } = run;
  const { connection } = passage;
  if (destination === undefined) return set(number, source ?? 0, run);
  if (number === key.state) {
    registers.write(destination, number32(stateOf(passage)));
    return undefined;
  }
  if (connection === undefined) return "break";
  const value = valueFor(number, connection, direction?.[0], passage);
  if (value === "break") return "break";
  if (value === undefined) registers.writeUnknown(destination, 16, `ct key ${number}`);
  else registers.write(destination, value);
  return undefined;
}

/** A packet before connection tracking is invalid to rules. */
export function stateOf({ connection, isUntracked }: Passage): number {
  return connection?.state ?? (isUntracked ? stateBit.untracked : stateBit.invalid);
}

function valueFor(
  number: number,
  connection: Connection,
  direction: number | undefined,
  { packet, family }: Passage,
): Uint8Array | "break" | undefined {
  const { source, destination } = direction === replyDirection ? connection.reply : connection.original;
  const ofFamily = (address: Uint8Array, length: number) => (address.length === length ? address : "break");
  const port = (value: number) => Uint8Array.of(value >> 8, value);
  switch (number) {
    case key.direction:
      return Uint8Array.of(connection.isReply ? 1 : 0);
    case key.status:
      return number32(connection.status);
    case key.mark:
      return number32(connection.mark);
    case key.l3Protocol:
      return Uint8Array.of(family);
    case key.source:
      return source.address;
    case key.destination:
      return destination.address;
    case key.protocol:
      return Uint8Array.of(protocolOf(packet) ?? 0);
    case key.sourcePort:
      return port(source.port);
    case key.destinationPort:
      return port(destination.port);
    case key.zone:
      return number16(0);
    case key.sourceIp:
      return ofFamily(source.address, 4);
    case key.destinationIp:
      return ofFamily(destination.address, 4);
    case key.sourceIp6:
      return ofFamily(source.address, 16);
    case key.destinationIp6:
      return ofFamily(destination.address, 16);
    default:
      return undefined;
  }
}

/** Labels, events and the like decide nothing. A zone would make another connection, which is not followed. */
function set(number: number, source: number, { registers, passage, choose }: RuleRun): Step {
  if (number === key.zone) choose(2, "ct zone");
  if (number !== key.mark || passage.connection === undefined) return undefined;
  const value = registers.read(source, 4);
  passage.connection.mark = typeof value === "string" ? choose(2, value) : word(value);
  return undefined;
}
