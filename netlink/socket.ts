/**
 * A synchronous netlink socket. The kernel handles a request inside send(2): when that returns, every answer waits in
 * the socket (a dump continues inside recv). So nothing here blocks, and a missing answer is an error.
 */

import { errno, isKernelError, KernelError } from "../sys/errors.ts";
import {
  closeFile,
  control,
  enableNetlinkOption,
  netlinkOption,
  netlinkSocket,
  netnsCookie,
  receive,
  send,
} from "../sys/libc.ts";
import { inNetns, type Netns } from "../sys/netns.ts";
import defer * as sysRare from "../sys/sysRare.ts";
import { WireError } from "./codec.ts";
import { acknowledgement, controlType, type Frame, flags, framed, frames, type Message } from "./message.ts";

export const protocol = { route: 0, netfilter: 12 } as const;

/** Our limits. A datagram of a dump has at most 32 KiB; a single link with hundreds of names may have more. */
const receiveBytes = 64 * 1024;
const dumpBytesMax = 256 * 1024 * 1024;
const dumpAttemptsMax = 32;

const buffer = new Uint8Array(receiveBytes);

/** Called for each message that is sent (→) or received (←). */
type Trace = (direction: "→" | "←", protocolNumber: number, frame: Frame, what: string) => void;

let trace: Trace | undefined;

/** Hands every message of every socket to `print` from now on (netlink/debug.ts). */
export function traceWith(print: Trace): void {
  trace = print;
}

export class NetlinkSocket {
  readonly protocol: number;
  readonly #fd: number;
  #sequence = 0;

  /** Opens the socket in the network namespace of the thread. It belongs to that namespace for life. */
  constructor(protocolNumber: number) {
    this.protocol = protocolNumber;
    this.#fd = netlinkSocket(protocolNumber);
    enableNetlinkOption(this.#fd, netlinkOption.extendedAck);
    enableNetlinkOption(this.#fd, netlinkOption.capAck);
    enableNetlinkOption(this.#fd, netlinkOption.strictCheck);
  }

  /** Sends one request; answers what came before its acknowledgement. Throws KernelError. */
  request(message: Message): Frame[] {
    return this.batch([message])[0]!;
  }

  /**
   * Looks up one thing: answers its frame, or undefined if the kernel refuses with `absent`. The answer itself shows
   * that the request was served, so no acknowledgement is requested. Throws KernelError.
   */
  lookUp(message: Message): Frame | undefined {
    this.#send([message]);
    for (let datagram = this.#receive(); datagram; datagram = this.#receive()) {
      for (const frame of datagram) {
        if (frame.sequence !== this.#sequence) continue; // an answer to something older
        if (frame.type !== controlType.error) return frame;
        const { errno: number, text } = acknowledgement(frame);
        if (number === message.absent) return undefined;
        throw new KernelError(message.what, number, text);
      }
    }
    throw new WireError(`Cannot ${message.what}: there is no answer`);
  }

  /**
   * Sends several requests in one datagram, each acknowledged by its own sequence number. The kernel tries all; the
   * first refusal is thrown. Answers the replies to each message, in order. `unacknowledged` lists messages that must
   * not request an acknowledgement (begin and end of an nf_tables batch) but whose refusal counts.
   */
  batch(messages: readonly Message[], unacknowledged?: ReadonlySet<Message>): Frame[][] {
    const first = this.#sequence + 1;
    const replies: Frame[][] = [];
    const asking: Message[] = [];
    let pending = 0;
    for (const message of messages) {
      const isAcknowledged = !unacknowledged?.has(message);
      asking.push(isAcknowledged ? { ...message, flags: message.flags | flags.ack } : message);
      replies.push([]);
      if (isAcknowledged) pending++;
    }
    this.#send(asking);
    let refusal: KernelError | undefined;
    let refusedAt = messages.length;
    while (pending > 0) {
      const datagram = this.#receive();
      if (!datagram) {
        if (refusal) break; // the kernel acknowledges nothing more of a batch that it refuses as a whole
        throw new WireError(`Cannot ${messages.at(-1)?.what}: ${pending} acknowledgements are missing`);
      }
      for (const frame of datagram) {
        const index = frame.sequence - first;
        const message = messages[index];
        if (!message) continue; // an answer to something older
        if (frame.type !== controlType.error) {
          replies[index]!.push(frame);
          continue;
        }
        const { errno: number, text } = acknowledgement(frame);
        if (!unacknowledged?.has(message)) pending--;
        if (number !== 0 && number !== message.absent && index < refusedAt) {
          refusedAt = index;
          refusal = new KernelError(message.what, number, text);
        }
      }
    }
    if (refusal) throw refusal;
    return replies;
  }

  /**
   * All entries of a dump. Repeats the request when the kernel reports that the list changed meanwhile
   * (NLM_F_DUMP_INTR).
   */
  dump(message: Message): Frame[] {
    for (let attempt = 1; ; attempt++) {
      const { entries, interrupted } = this.#dumpOnce(message);
      if (!interrupted) return entries;
      if (attempt === dumpAttemptsMax)
        throw new KernelError(message.what, errno.EINTR, "the list changed during every attempt");
    }
  }

  #dumpOnce(message: Message): { entries: Frame[]; interrupted: boolean } {
    this.#send([{ ...message, flags: message.flags | flags.dump }]);
    const sequence = this.#sequence;
    const entries: Frame[] = [];
    let interrupted = false;
    for (let bytesRead = 0; bytesRead < dumpBytesMax; ) {
      const datagram = this.#receive();
      if (!datagram) throw new WireError(`Cannot ${message.what}: the list has no end`);
      for (const frame of datagram) {
        if (frame.sequence !== sequence) continue;
        interrupted ||= (frame.flags & flags.dumpInterrupted) !== 0;
        if (frame.type === controlType.done || frame.type === controlType.error) {
          const { errno: number, text } = frame.payload.length >= 4 ? acknowledgement(frame) : { errno: 0, text: "" };
          if (number > 0) throw new KernelError(message.what, number, text);
          return { entries, interrupted };
        }
        bytesRead += frame.payload.length;
        entries.push(frame);
      }
    }
    throw new KernelError(message.what, errno.ENOBUFS, `more than ${dumpBytesMax} bytes`);
  }

  #send(messages: readonly Message[]): void {
    const first = this.#sequence + 1;
    this.#sequence += messages.length;
    if (trace) {
      for (const [i, m] of messages.entries()) trace("→", this.protocol, { ...m, sequence: first + i }, m.what);
    }
    const bytes = framed(messages, first);
    try {
      send(this.#fd, bytes);
    } catch (error) {
      if (!isKernelError(error, errno.EMSGSIZE)) throw error;
      sysRare.raiseSendBuffer(this.#fd, bytes.length);
      send(this.#fd, bytes);
    }
  }

  /** The frames of the next datagram; undefined if none waits. */
  #receive(): Frame[] | undefined {
    const length = receive(this.#fd, buffer);
    if (length === undefined) return undefined;
    const datagram = frames(buffer.slice(0, length));
    if (trace) for (const frame of datagram) trace("←", this.protocol, frame, "");
    return datagram;
  }

  /**
   * The cookie of the socket's namespace (SO_NETNS_COOKIE), which the kernel never gives again; 0 before Linux 5.14.
   */
  get netnsCookie(): bigint {
    return netnsCookie(this.#fd);
  }

  /**
   * Calls ioctl(2) about a link of the socket's namespace, with a structure that the kernel reads and writes. Throws
   * KernelError.
   */
  control(operation: string, request: number, structure: Uint8Array): void {
    control(operation, this.#fd, request, structure);
  }

  close(): void {
    closeFile(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Opens a socket in another namespace: three system calls there, then back. */
export function openSocketIn(netns: Netns, protocol: number): NetlinkSocket {
  return inNetns(netns, () => new NetlinkSocket(protocol) as never);
}
