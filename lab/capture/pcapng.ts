/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. npm has packages that read the older format, and
 * libpcap behind Node's binary interface; none writes this one.
 */

/** An interface as the file describes it. */
export interface Described {
  /** `web@front` */
  readonly name: string;
  /** For people: `eth0 of web`. */
  readonly description: string;
}

/** The end of a capture of one interface. Times are nanoseconds since 1970. */
export interface Counted {
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Packets that came, with the lost ones. */
  readonly received: number;
  readonly lost: number;
}

const blockType = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const option = { userApplication: 4, interfaceName: 2, interfaceDescription: 3, timeResolution: 9 } as const;
const statistic = { start: 2, end: 3, received: 4, lost: 5 } as const;
const linkTypeEthernet = 1;
/** 10⁻⁹ seconds */
const nanoseconds = 9;

const encoder = new TextEncoder();
const padded = (length: number) => (length + 3) & ~3;

/** The beginning of the file: who wrote it, and a block for each interface, numbered from 0. `frameBytesMax` is the longest frame. */
export function headerOf(program: string, interfaces: readonly Described[], frameBytesMax: number): Uint8Array {
  const sectionLength = 0xffffffff; // -1 in 64 bits: not known
  return Buffer.concat([
    block(
      blockType.section,
      Uint32Array.of(byteOrderMagic, 1, sectionLength, sectionLength), // version 1.0
      options([option.userApplication, encoder.encode(program)]),
    ),
    ...interfaces.map(({ name, description }) =>
      block(
        blockType.interface,
        Uint32Array.of(linkTypeEthernet, frameBytesMax),
        options(
          [option.interfaceName, encoder.encode(name)],
          [option.interfaceDescription, encoder.encode(description)],
          [option.timeResolution, Uint8Array.of(nanoseconds)],
        ),
      ),
    ),
  ]);
}

/** The block that ends an interface. */
export function statisticsOf(number: number, { startNs, endNs, received, lost }: Counted): Uint8Array {
  const [end] = [timeOf(endNs)];
  return block(
    blockType.statistics,
    Uint32Array.of(number, ...end),
    options(
      [statistic.start, bytesOf(Uint32Array.of(...timeOf(startNs)))],
      [statistic.end, bytesOf(Uint32Array.of(...end))],
      [statistic.received, bytesOf(BigUint64Array.of(BigInt(received)))],
      [statistic.lost, bytesOf(BigUint64Array.of(BigInt(lost)))],
    ),
  );
}

/** Times have their high half first, each half in the file's byte order. */
const timeOf = (ns: bigint) => [Number(ns >> 32n), Number(ns & 0xffffffffn)] as const;

const bytesOf = (value: NodeJS.TypedArray) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

function block(type: number, body: Uint32Array, ending: Uint8Array): Uint8Array {
  const length = 12 + body.byteLength + ending.length;
  return Buffer.concat([bytesOf(Uint32Array.of(type, length)), bytesOf(body), ending, bytesOf(Uint32Array.of(length))]);
}

function options(...all: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  const parts = all.flatMap(([code, value]) => [
    bytesOf(Uint16Array.of(code, value.length)),
    value,
    new Uint8Array(padded(value.length) - value.length),
  ]);
  return Buffer.concat([...parts, new Uint8Array(4)]);
}

/** A frame to be written. */
export interface Frame {
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly capturedBytes: number;
  /** As it was on the interface. */
  readonly bytes: number;
  copyTo(target: Uint8Array, offset: number): void;
}

/** epb_flags, bits 0 and 1, and bits 2 to 4. */
export const direction = { inbound: 1, outbound: 2 } as const;
export const reception = { unicast: 1 << 2, multicast: 2 << 2, broadcast: 3 << 2, toOthers: 4 << 2 } as const;

const packetHeaderBytes = 28;
/** The option epb_flags, the end of options, and the block's length once more. */
const packetEnd = { flagsOption: 2, flagsBytes: 4, bytes: 16 } as const;

/** Blocks of packets, one behind the other in memory that is used again and again. */
export class PacketBlocks {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #used = 0;

  /** Needs room for one packet at least. */
  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  hasRoomFor({ capturedBytes }: Frame): boolean {
    return this.#used + packetHeaderBytes + padded(capturedBytes) + packetEnd.bytes <= this.#bytes.length;
  }

  /** A packet of the interface of that number. */
  add(number: number, frame: Frame, flags: number): void {
    const [view, at] = [this.#view, this.#used];
    const { seconds, capturedBytes } = frame;
    // Seconds times 10⁹ needs 61 bits: in two halves of 16 bits of the seconds, each of which a double holds.
    const low = (seconds & 0xffff) * 1e9 + frame.nanoseconds;
    const high = Math.floor(seconds / 0x10000) * 1e9 + Math.floor(low / 0x10000);
    const length = packetHeaderBytes + padded(capturedBytes) + packetEnd.bytes;
    view.setUint32(at, blockType.packet, true);
    view.setUint32(at + 4, length, true);
    view.setUint32(at + 8, number, true);
    view.setUint32(at + 12, Math.floor(high / 0x10000), true);
    view.setUint32(at + 16, (high % 0x10000) * 0x10000 + (low % 0x10000), true);
    view.setUint32(at + 20, capturedBytes, true);
    view.setUint32(at + 24, frame.bytes, true);
    const end = at + packetHeaderBytes + padded(capturedBytes);
    view.setUint32(end - 4, 0, true); // what the frame leaves of its last four bytes is 0
    frame.copyTo(this.#bytes, at + packetHeaderBytes);
    view.setUint16(end, packetEnd.flagsOption, true);
    view.setUint16(end + 2, packetEnd.flagsBytes, true);
    view.setUint32(end + 4, flags, true);
    view.setUint32(end + 8, 0, true);
    view.setUint32(end + 12, length, true);
    this.#used = at + length;
  }

  /** The blocks added since the last call, to be written before more are added. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#used);
    this.#used = 0;
    return taken;
  }
}
