/**
 * The packets of one interface, in memory that the kernel fills (packet(7), TPACKET_V3 of linux/if_packet.h). A ring needs no
 * right beyond CAP_NET_RAW, and no setting of the machine limits its size, unlike the buffer of a socket.
 */
import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { errno, isKernelError, tolerating } from "../errors.ts";
import { c, checked, closeFile, control, SOCK_CLOEXEC } from "../libc.ts";
import { rarely } from "../sysRare.ts";
import { blockOffset } from "./block.ts";

// linux/if_packet.h, linux/if_ether.h, asm-generic/socket.h, linux/sockios.h
const [AF_PACKET, SOCK_RAW, ETH_P_ALL] = [17, 3, 0x0003];
const [SOL_SOCKET, SO_TIMESTAMPNS, SO_ERROR, SOL_PACKET] = [1, 35, 4, 263];
const packetOption = { addMembership: 1, receiveRing: 5, statistics: 6, version: 10 } as const;
const TPACKET_V3 = 2;
const PACKET_MR_PROMISC = 1;
const [SIOCGIFNAME, SIOCGIFINDEX] = [0x8910, 0x8933];
const [TP_STATUS_KERNEL, TP_STATUS_USER] = [0, 1];

/** A veth passes packets of 64 KiB, which the sender's kernel did not cut: a block holds several of them. */
export const blockBytes = 512 * 1024;
/** The kernel uses the number to check the sizes alone. */
const frameBytes = 2048;
const blocksMin = 4;
/** The kernel hands over a block that has packets and is not full after so long. */
export const retireMs = 10;

/** Counted since the last question. `received` are those that came, with the `lost` ones, for which the ring had no room. */
interface RingStatistics {
  readonly received: number;
  readonly lost: number;
}

/** An open ring. It belongs to the network namespace in which it was opened, and keeps that alive. */
export interface PacketRing extends Disposable {
  /** Readable (poll) while a block waits. */
  readonly socket: number;
  /** Copies the oldest block that waits, so that the kernel may fill its place again. False if none waits. */
  takeBlock(target: Uint8Array): boolean;
  takeStatistics(): RingStatistics;
  /** False once the interface was removed. Clears the error that poll reports after an interface went down. */
  isThere(): boolean;
}

/**
 * Captures the packets of an interface of this namespace from now on, both directions, and those for other receivers. Takes
 * less memory than `bytes` if the kernel has not as much. Throws KernelError, ENODEV if there is no such interface.
 */
export function openRing(link: string, bytes: number): PacketRing {
  // Protocol 0 receives nothing until it is bound.
  const socket = checked("open a packet socket", c.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  try {
    const index = indexOf(socket, link);
    setOption(socket, SOL_PACKET, packetOption.version, Int32Array.of(TPACKET_V3));
    // Else a packet is stamped when it is copied, not when it comes.
    setOption(socket, SOL_SOCKET, SO_TIMESTAMPNS, Int32Array.of(1));
    const blocks = makeRing(socket, Math.floor(bytes / blockBytes));
    const memory = mapRing(socket, blocks * blockBytes);
    // struct packet_mreq: index, type, length of an address, address
    const membership = new Uint8Array(16);
    new DataView(membership.buffer).setInt32(0, index, true);
    new DataView(membership.buffer).setUint16(4, PACKET_MR_PROMISC, true);
    setOption(socket, SOL_PACKET, packetOption.addMembership, membership);
    bindTo(socket, index);
    return ringOf(socket, index, memory, blocks);
  } catch (error) {
    closeFile(socket);
    throw error;
  }
}

function ringOf(socket: number, index: number, memory: ArrayBuffer, blocks: number): PacketRing {
  const all = new Uint8Array(memory);
  const words = new Int32Array(memory);
  let next = 0;
  return {
    socket,
    takeBlock(target) {
      const start = next * blockBytes;
      const statusAt = (start + blockOffset.status) / 4;
      // Atomics order these accesses and those to the packets, as the kernel's barriers do.
      if ((Atomics.load(words, statusAt) & TP_STATUS_USER) === 0) return false;
      target.set(all.subarray(start, start + words[(start + blockOffset.usedBytes) / 4]!));
      Atomics.store(words, statusAt, TP_STATUS_KERNEL);
      next = (next + 1) % blocks;
      return true;
    },
    takeStatistics() {
      const [counts, size] = [new Uint32Array(3), Uint32Array.of(12)];
      checked(
        "read the statistics of a packet socket",
        c.getsockopt(socket, SOL_PACKET, packetOption.statistics, ptr(counts), ptr(size)),
      );
      return { received: counts[0]!, lost: counts[1]! };
    },
    isThere() {
      c.getsockopt(socket, SOL_SOCKET, SO_ERROR, ptr(new Int32Array(1)), ptr(Uint32Array.of(4)));
      const request = interfaceRequest();
      new DataView(request.buffer).setInt32(interfaceNameBytes, index, true);
      return (
        tolerating(() => {
          control("name an interface", socket, SIOCGIFNAME, request);
          return true;
        }, errno.ENODEV) ?? false
      );
    },
    [Symbol.dispose]() {
      rarely("munmap")(ptr(all), all.length);
      closeFile(socket);
    },
  };
}

/** struct ifreq: a name of 16 bytes and a union of 24 */
const interfaceNameBytes = 16;
const interfaceRequest = () => new Uint8Array(40);

function indexOf(socket: number, link: string): number {
  const request = interfaceRequest();
  request.set(new TextEncoder().encode(link).subarray(0, interfaceNameBytes - 1));
  control(`find the interface ${link}`, socket, SIOCGIFINDEX, request);
  return new DataView(request.buffer).getInt32(interfaceNameBytes, true);
}

function setOption(socket: number, level: number, name: number, value: NodeJS.TypedArray): void {
  checked("set up a packet socket", c.setsockopt(socket, level, name, ptr(value), value.byteLength));
}

/** Answers the number of blocks: half as many, and again, while the kernel has no memory. */
function makeRing(socket: number, wanted: number): number {
  for (let blocks = Math.max(wanted, blocksMin); ; blocks = Math.ceil(blocks / 2)) {
    // struct tpacket_req3: size and number of blocks, size and number of frames, milliseconds, private bytes, features
    const request = Uint32Array.of(
      ...[blockBytes, blocks, frameBytes, (blockBytes / frameBytes) * blocks],
      ...[retireMs, 0, 0],
    );
    try {
      setOption(socket, SOL_PACKET, packetOption.receiveRing, request);
      return blocks;
    } catch (error) {
      if (!isKernelError(error, errno.ENOMEM) || blocks <= blocksMin) throw error;
    }
  }
}

// sys/mman.h
const [PROT_READ_WRITE, MAP_SHARED] = [3, 1];

function mapRing(socket: number, bytes: number): ArrayBuffer {
  const address = Number(rarely("mmap")(null, bytes, PROT_READ_WRITE, MAP_SHARED, socket, 0));
  checked("map a ring of packets", address); // MAP_FAILED is -1
  return toArrayBuffer(address as Pointer, 0, bytes);
}

/** struct sockaddr_ll: family, protocol in network order, index, and four that the kernel fills. */
function bindTo(socket: number, index: number): void {
  const name = new Uint8Array(20);
  const view = new DataView(name.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_ALL, false);
  view.setInt32(4, index, true);
  checked("bind a packet socket", rarely("bind")(socket, ptr(name), name.length));
}
