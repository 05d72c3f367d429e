/** meta: what the kernel keeps beside the bytes of a packet. NFT_META_* (linux/netfilter/nf_tables.h), nft_meta.c. */
import { meta } from "../../../netlink/nft/expr/meta.ts";
import { type Device, etherTypeOf, protocolOf } from "../packet.ts";
import type { Passage } from "../passage.ts";
import { number16, number32, word } from "./numbers.ts";
import type { RuleRun, Step } from "./rule.ts";

const nameBytes = 16;

/** Undefined: not known. */
type Loaded = Uint8Array | "break" | undefined;

function textBytes(text: string): Uint8Array {
  const out = new Uint8Array(nameBytes);
  out.set(new TextEncoder().encode(text).subarray(0, nameBytes - 1));
  return out;
}

const nameOf = (device: Device | undefined): Loaded => textBytes(device?.name ?? "");
const kindOf = (device: Device | undefined): Loaded => (device?.kind === undefined ? "break" : textBytes(device.kind));
const groupOf = (device: Device | undefined): Loaded => (device === undefined ? "break" : number32(device.group));
const typeOf = (device: Device | undefined): Loaded =>
  device === undefined ? "break" : device.type === undefined ? undefined : number16(device.type);

interface Key {
  readonly words: string;
  readonly bytes: number;
  readonly load: (passage: Passage) => Loaded;
}

/** A packet of a socket has an owner, whom a packet that is routed lacks. */
const owner = ({ isLocal }: Passage): Loaded => (isLocal ? undefined : "break");

function typeOfFrame({ packet }: Passage): Loaded {
  const type = etherTypeOf(packet);
  return Uint8Array.of(type >> 8, type);
}

function transportProtocol({ packet }: Passage): Loaded {
  const protocol = protocolOf(packet);
  return protocol === undefined ? "break" : Uint8Array.of(protocol);
}

const keys: Readonly<Record<number, Key>> = {
  0: { words: "length", bytes: 4, load: ({ packet }) => number32(packet.length) },
  1: { words: "protocol", bytes: 2, load: typeOfFrame },
  3: { words: "mark", bytes: 4, load: ({ packet }) => number32(packet.mark) },
  4: { words: "iif", bytes: 4, load: ({ input }) => number32(input?.index ?? 0) },
  5: { words: "oif", bytes: 4, load: ({ output }) => number32(output?.index ?? 0) },
  6: { words: "iifname", bytes: nameBytes, load: ({ input }) => nameOf(input) },
  7: { words: "oifname", bytes: nameBytes, load: ({ output }) => nameOf(output) },
  8: { words: "iiftype", bytes: 2, load: ({ input }) => typeOf(input) },
  9: { words: "oiftype", bytes: 2, load: ({ output }) => typeOf(output) },
  10: { words: "skuid", bytes: 4, load: owner },
  11: { words: "skgid", bytes: 4, load: owner },
  15: { words: "nfproto", bytes: 1, load: ({ family }) => Uint8Array.of(family) },
  16: { words: "l4proto", bytes: 1, load: transportProtocol },
  19: { words: "pkttype", bytes: 1, load: ({ packet }) => Uint8Array.of(packet.kind) },
  21: { words: "iifgroup", bytes: 4, load: ({ input }) => groupOf(input) },
  22: { words: "oifgroup", bytes: 4, load: ({ output }) => groupOf(output) },
  23: { words: "cgroup", bytes: 4, load: owner },
  26: { words: "iifkind", bytes: nameBytes, load: ({ input }) => kindOf(input) },
  27: { words: "oifkind", bytes: nameBytes, load: ({ output }) => kindOf(output) },
};

/** Settings that do not change where a packet goes: NFT_META_PRIORITY, _NFTRACE, _SECMARK. */
const harmless = [2, 12, 14];
const [mark, kind] = [3, 19];

export function evaluateMeta(data: Uint8Array, run: RuleRun): Step {
  const { key: number = 0, destination, source } = meta.get(data);
  if (destination === undefined) return set(number, source ?? 0, run);
  const key = keys[number];
  const loaded = key?.load(run.passage);
  if (loaded === "break") return "break";
  const words = `meta ${key?.words ?? `key ${number}`}`;
  if (loaded === undefined) run.registers.writeUnknown(destination, key?.bytes ?? nameBytes, words);
  else run.registers.write(destination, loaded);
  return undefined;
}

function set(key: number, source: number, { registers, passage, choose }: RuleRun): Step {
  if (harmless.includes(key)) return undefined;
  const value = registers.read(source, 4);
  // A mark that is not known may be anything: the two that rules most often compare with are tried.
  const bytes = typeof value === "string" ? number32(choose(2, value)) : value;
  if (key === mark) passage.packet = { ...passage.packet, mark: word(bytes) };
  else if (key === kind) passage.packet = { ...passage.packet, kind: bytes[0]! };
  else choose(2, `meta set of key ${key}`);
  return undefined;
}
