/** One attempt to reach a destination from inside a namespace: a ping, a connection, an answer, a page. */
import { type Address, formatAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { errno, KernelError } from "../../sys/errors.ts";
import { openPinger, type Pinger } from "../../sys/icmp.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import { refuseWithoutRoute } from "../../sys/sysRare.ts";
import type { Destination } from "../file/labFile.ts";
import { startIn } from "../world/startIn.ts";
import { httpGet } from "./httpGet.ts";

export type Outcome = Reached | Unreached;

interface Reached {
  readonly reached: true;
  readonly body?: string;
}

/** `how` in a few words. A refusal is certain at once, silence only after a while. */
interface Unreached {
  readonly reached: false;
  readonly how: string;
  /** Something answers there, only not as the test asks: packets get through. */
  readonly isOpen?: true;
}

/** The word for no answer at all. */
export const silence = "silent";

interface Attempt {
  readonly from: Netns;
  readonly to: Destination;
  readonly address: Address;
  /** The length of an IP packet; of a ping with the don't-fragment bit. TCP ignores it. */
  readonly length?: number | undefined;
  /** After so much time without an answer it is silence. */
  readonly patienceMs: number;
}

/** Resolves after an answer, a refusal, or silence. Never rejects. */
export async function probe({ from, to, address, length, patienceMs }: Attempt): Promise<Outcome> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), patienceMs);
  const noAnswer = new Promise<Outcome>((resolve) => {
    // After what the attempt itself has to say then.
    over.signal.addEventListener("abort", () => setTimeout(() => resolve({ reached: false, how: silence }), 0));
  });
  try {
    inNetns<void>(from, () => refuseWithoutRoute(addressBytes(address))); // Bun calls that a refusal
    return await Promise.race([attempt(from, to, address, length, over.signal), noAnswer]);
  } catch (error) {
    return { reached: false, how: wordsOf(error) };
  } finally {
    clearTimeout(timer);
    over.abort(); // closes what the attempt has open
  }
}

function attempt(
  from: Netns,
  to: Destination,
  address: Address,
  length: number | undefined,
  over: AbortSignal,
): Promise<Outcome> {
  switch (to.kind) {
    case "ping":
      return ping(from, address, length, over);
    case "tcp":
      return connects(from, address, to.port, over);
    case "udp":
      return answers(from, address, to.port, length, over);
    case "http":
      return page(from, address, to, over);
  }
}

/** A socket of the kernel that no event loop reads, so it is asked every few milliseconds. */
const pingPauseMs = 2;

async function ping(from: Netns, address: Address, length: number | undefined, over: AbortSignal): Promise<Outcome> {
  using pinger = inNetns<Pinger>(from, () => openPinger(addressBytes(address), length));
  pinger.send(1);
  while (!over.aborted) {
    if (pinger.hasAnswer()) return { reached: true };
    await Bun.sleep(pingPauseMs);
  }
  return { reached: false, how: silence };
}

async function connects(from: Netns, address: Address, port: number, over: AbortSignal): Promise<Outcome> {
  const connecting = startIn(from, () =>
    Bun.connect({ hostname: formatAddress(address), port, socket: { data() {}, error() {} } }),
  );
  const end = () => void connecting.then((socket) => socket.terminate()).catch(() => {});
  over.addEventListener("abort", end);
  await connecting;
  return { reached: true };
}

/** A second packet learns of a refusal that came for the first. */
const againMs = 50;

/** RFC 791, RFC 8200, RFC 768: the headers before a datagram. */
const datagramHeaderBytes = { 4: 28, 6: 48 } as const;

async function answers(
  from: Netns,
  address: Address,
  port: number,
  length: number | undefined,
  over: AbortSignal,
): Promise<Outcome> {
  const words = new TextEncoder().encode("ns-net");
  const datagram = new Uint8Array(length === undefined ? words.length : length - datagramHeaderBytes[address.family]);
  datagram.set(words);
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  // Bun passes the error alone, though its types name the socket before it.
  const error = (...given: unknown[]) => reject(given.at(-1));
  const socket = await startIn(from, () =>
    Bun.udpSocket({
      hostname: address.family === 4 ? "0.0.0.0" : "::",
      connect: { hostname: formatAddress(address), port },
      socket: { data: () => resolve({ reached: true }), error },
    }),
  );
  const send = () => {
    try {
      socket.send(datagram);
    } catch (error) {
      reject(error);
    }
  };
  send();
  const timer = setInterval(send, againMs);
  over.addEventListener("abort", () => {
    clearInterval(timer);
    socket.close();
  });
  return promise;
}

async function page(
  from: Netns,
  address: Address,
  to: Extract<Destination, { kind: "http" }>,
  over: AbortSignal,
): Promise<Outcome> {
  const answer = await httpGet(from, address, to, over);
  if (answer === undefined) return { reached: false, how: "no HTTP", isOpen: true };
  if (answer.status === 200) return { reached: true, body: answer.body };
  return { reached: false, how: `HTTP ${answer.status}`, isOpen: true };
}

/** No answer of the network: the machine has no room to ask for one (lab/tests/neighbours.ts). */
export const tableIsFull = "the machine's table of neighbours is full: raise net.ipv4.neigh.default.gc_thresh3";

const words: Readonly<Record<number, string>> = {
  [errno.ECONNREFUSED]: "refused",
  [errno.ECONNRESET]: "refused",
  [errno.ENETUNREACH]: "no route",
  [errno.EHOSTUNREACH]: "no route",
  [errno.EADDRNOTAVAIL]: "no route",
  [errno.EMSGSIZE]: "longer than the interface's MTU",
  [errno.ENOBUFS]: tableIsFull,
  [errno.EPERM]: "not permitted",
  [errno.EACCES]: "not permitted",
};

/** The reason of a failed system call, ours or Bun's. */
function wordsOf(error: unknown): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  const number = error instanceof KernelError ? error.errno : errno[code as keyof typeof errno];
  return words[number] ?? (code || (error as Error).message);
}
