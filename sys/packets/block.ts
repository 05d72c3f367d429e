/** A block of packets as the kernel writes it (linux/if_packet.h: struct tpacket_block_desc, struct tpacket3_hdr). */

export const blockOffset = { status: 8, packets: 12, first: 16, usedBytes: 20 } as const;
const at = {
  ...{ next: 0, seconds: 4, nanoseconds: 8, captured: 12, length: 16, status: 20, frame: 24 },
  ...{ vlan: 32, vlanProtocol: 36 },
  /** sll_pkttype of the struct sockaddr_ll that follows */
  kind: 58,
} as const;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const ETH_P_8021Q = 0x8100;
/** The tag is behind the two hardware addresses. */
const vlanTagAt = 12;
const vlanTagBytes = 4;

/** PACKET_HOST … of linux/if_packet.h */
export const packetKind = { toUs: 0, broadcast: 1, multicast: 2, toOthers: 3, outgoing: 4 } as const;

/** A packet in the memory of its block. */
export class Packet {
  readonly block: Uint8Array;
  readonly #view: DataView;
  readonly #at: number;
  /** Since 1970, with `nanoseconds`: the kernel's clock when the packet came or left. */
  readonly seconds: number;
  readonly nanoseconds: number;

  constructor(block: Uint8Array, view: DataView, offset: number) {
    this.block = block;
    this.#view = view;
    this.#at = offset;
    this.seconds = view.getUint32(offset + at.seconds, true);
    this.nanoseconds = view.getUint32(offset + at.nanoseconds, true);
  }

  /** Bytes of the frame in this block, with its VLAN tag. */
  get capturedBytes(): number {
    return this.#word(at.captured) + this.#tagBytes;
  }

  /** Bytes of the frame as it was. */
  get bytes(): number {
    return this.#word(at.length) + this.#tagBytes;
  }

  /** One of `packetKind`. */
  get kind(): number {
    return this.block[this.#at + at.kind]!;
  }

  /** Copies the frame, from its Ethernet header on. The kernel keeps a VLAN tag beside the frame: it is put back. */
  copyTo(target: Uint8Array, offset: number): void {
    const start = this.#at + this.#view.getUint16(this.#at + at.frame, true);
    const end = start + this.#word(at.captured);
    if (this.#tagBytes === 0) {
      target.set(this.block.subarray(start, end), offset);
      return;
    }
    target.set(this.block.subarray(start, start + vlanTagAt), offset);
    const hasProtocol = (this.#word(at.status) & TP_STATUS_VLAN_TPID_VALID) !== 0;
    const protocol = hasProtocol ? this.#view.getUint16(this.#at + at.vlanProtocol, true) : ETH_P_8021Q;
    const control = this.#word(at.vlan);
    target.set([protocol >> 8, protocol & 0xff, (control >> 8) & 0xff, control & 0xff], offset + vlanTagAt);
    target.set(this.block.subarray(start + vlanTagAt, end), offset + vlanTagAt + vlanTagBytes);
  }

  get #tagBytes(): number {
    return (this.#word(at.status) & TP_STATUS_VLAN_VALID) === 0 ? 0 : vlanTagBytes;
  }

  #word(offset: number): number {
    return this.#view.getUint32(this.#at + offset, true);
  }
}

/** All packets of a block, in the order in which the kernel wrote them. */
export function packetsIn(block: Uint8Array): Packet[] {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const packets: Packet[] = [];
  let offset = view.getUint32(blockOffset.first, true);
  for (let left = view.getUint32(blockOffset.packets, true); left > 0; left--) {
    packets.push(new Packet(block, view, offset));
    offset += view.getUint32(offset + at.next, true);
  }
  return packets;
}
