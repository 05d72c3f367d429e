/** One attempt to reach a destination from inside a namespace: a ping, a connection, an answer, a page. */
import { type Address, formatAddress } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { openPinger, type Pinger } from "../../sys/icmp.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import type { Destination } from "../file/labFile.ts";
import { startIn } from "../world/startIn.ts";
import { httpGet } from "./httpGet.ts";

/** `unreachable` says how: a refusal is certain at once, silence only after a while. */
export type Outcome =
  | { readonly reached: true; readonly body?: string }
  | { readonly reached: false; readonly how: "refused" | "silent" | "no route" };

const attemptMs = 500;

/** Resolves after an answer, a refusal, or half a second of silence. */
export function probe(from: Netns, to: Destination, address: Address, length?: number): Promise<Outcome> {
  switch (to.kind) {
    case "ping":
      return ping(from, address, length);
    case "tcp":
      return connects(from, address, to.port);
    case "udp":
      return answers(from, address, to.port);
    case "http":
      return page(from, address, to);
  }
}

const silent: Outcome = { reached: false, how: "silent" };
const refused: Outcome = { reached: false, how: "refused" };

/** A socket of the kernel that no event loop reads, so it is asked every few milliseconds. */
const pingPauseMs = 2;

async function ping(from: Netns, address: Address, length: number | undefined): Promise<Outcome> {
  let pinger: Pinger;
  try {
    pinger = inNetns<Pinger>(from, () => openPinger(addressBytes(address), length));
  } catch {
    return { reached: false, how: "no route" };
  }
  using open = pinger;
  if (!open.send(1)) return { reached: false, how: "no route" };
  const endMs = performance.now() + attemptMs;
  while (performance.now() < endMs) {
    if (open.hasAnswer()) return { reached: true };
    await Bun.sleep(pingPauseMs);
  }
  return silent;
}

function connects(from: Netns, address: Address, port: number): Promise<Outcome> {
  return within(async () => {
    try {
      const socket = await startIn(from, () =>
        Bun.connect({ hostname: formatAddress(address), port, socket: { data() {}, error() {} } }),
      );
      socket.terminate();
      return { reached: true };
    } catch {
      return refused;
    }
  });
}

function answers(from: Netns, address: Address, port: number): Promise<Outcome> {
  return within(async (over) => {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const socket = await startIn(from, () =>
      Bun.udpSocket({
        hostname: address.family === 4 ? "0.0.0.0" : "::",
        connect: { hostname: formatAddress(address), port },
        socket: { data: () => resolve({ reached: true }), error: () => resolve(refused) },
      }),
    );
    socket.send("ns-net");
    const outcome = await Promise.race([promise, over]);
    socket.close();
    return outcome;
  });
}

function page(from: Netns, address: Address, to: Extract<Destination, { kind: "http" }>): Promise<Outcome> {
  return within(async () => {
    try {
      const answer = await httpGet(from, address, to);
      return answer?.status === 200 ? { reached: true, body: answer.body } : refused;
    } catch {
      return refused;
    }
  });
}

/** The outcome of `attempt`, or silence after the time of one. */
function within(attempt: (over: Promise<Outcome>) => Promise<Outcome>): Promise<Outcome> {
  const over = Bun.sleep(attemptMs).then(() => silent);
  return Promise.race([attempt(over), over]);
}
