/** The built-in servers of pods. A socket that is opened inside a namespace stays there, so one process serves all. */
import { type Address, formatAddress } from "../../../ip/address.ts";
import type { Netns } from "../../../sys/netns.ts";
import type { Pod } from "../../model/lab.ts";
import { startIn } from "../startIn.ts";

/** A socket that listens, until it is disposed of; its connections end then. */
export type Listening = Disposable;

/** How to open one server; it listens when the promise resolves. */
export type Opening = () => Promise<Listening>;

/**
 * The servers of one pod by a key that says what each is. TCP ports listen on every address. A UDP socket is bound to each
 * address, because one for all would answer from another address than the one that was asked.
 */
export function serversOf(
  { name, serve }: Pick<Pod, "name" | "serve">,
  netns: Netns,
  addresses: readonly Address[],
): Map<string, Opening> {
  const hosts = ["127.0.0.1", ...addresses.map(formatAddress)];
  return new Map(
    serve.flatMap(({ kind, port }): [string, Opening][] => {
      if (kind === "http") return [[`http ${port}`, () => startIn(netns, async () => httpServer(name, port))]];
      if (kind === "tcp") return [[`tcp ${port}`, () => startIn(netns, async () => echoServer(port))]];
      return hosts.map((host) => [`udp ${host} ${port}`, () => startIn(netns, () => udpServer(host, port, echo))]);
    }),
  );
}

const echo = (bytes: Buffer) => bytes;

/** `::` takes IPv4, too. */
const everyAddress = "::";

function httpServer(body: string, port: number): Listening {
  const server = Bun.serve({ hostname: everyAddress, port, fetch: () => new Response(`${body}\n`) });
  return { [Symbol.dispose]: () => void server.stop(true) };
}

/** Bytes that the other side does not take yet wait here. */
interface Waiting {
  bytes: Uint8Array[];
}

function echoServer(port: number): Listening {
  const server = Bun.listen<Waiting>({
    hostname: everyAddress,
    port,
    socket: {
      open(socket) {
        socket.data = { bytes: [] };
      },
      data: (socket, bytes) => send(socket, bytes.slice()),
      drain: (socket) => {
        const waiting = socket.data.bytes;
        socket.data = { bytes: [] };
        for (const bytes of waiting) send(socket, bytes);
      },
    },
  });
  return { [Symbol.dispose]: () => server.stop(true) };
}

function send(socket: Bun.Socket<Waiting>, bytes: Uint8Array): void {
  const sent = socket.data.bytes.length > 0 ? 0 : socket.write(bytes);
  if (sent >= 0 && sent < bytes.length) socket.data.bytes.push(bytes.subarray(sent));
}

/** Answers each packet; `answerTo` answers undefined for none. */
export async function udpServer(
  hostname: string,
  port: number,
  answerTo: (bytes: Buffer) => Uint8Array | undefined,
): Promise<Listening> {
  const socket = await Bun.udpSocket({
    hostname,
    port,
    socket: {
      data(socket, bytes, fromPort, fromAddress) {
        const answer = answerTo(bytes);
        try {
          if (answer) socket.send(answer, fromPort, fromAddress);
        } catch {
          // The kernel reports an earlier packet whose receiver was gone (ICMP). UDP promises nothing.
        }
      },
      error() {}, // the same report, without a packet to send
    },
  });
  return { [Symbol.dispose]: () => socket.close() };
}
