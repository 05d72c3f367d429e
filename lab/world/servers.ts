/** The built-in servers of pods. A socket that is opened inside a namespace stays there, so one process serves all. */
import { type Address, formatAddress } from "../../ip/address.ts";
import type { Netns } from "../../sys/netns.ts";
import type { Pod } from "../model/lab.ts";
import { startIn } from "./startIn.ts";

/**
 * Opens the servers of one pod; they listen when the promise resolves. TCP ports listen on every address. A UDP socket
 * is bound to each address, because one for all would answer from another address than the one that was asked.
 */
export async function openServers(
  { name, serve }: Pick<Pod, "name" | "serve">,
  netns: Netns,
  addresses: readonly Address[],
): Promise<void> {
  for (const { kind, port } of serve) {
    if (kind === "http") await startIn(netns, async () => httpServer(name, port));
    else if (kind === "tcp") await startIn(netns, async () => echoServer(port));
    else
      for (const host of ["127.0.0.1", ...addresses.map(formatAddress)])
        await startIn(netns, () => udpServer(host, port, (bytes) => bytes));
  }
}

/** `::` takes IPv4, too. */
const everyAddress = "::";

function httpServer(body: string, port: number): void {
  Bun.serve({ hostname: everyAddress, port, fetch: () => new Response(body) });
}

/** Bytes that the other side does not take yet wait here. */
interface Waiting {
  bytes: Uint8Array[];
}

function echoServer(port: number): void {
  Bun.listen<Waiting>({
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
): Promise<void> {
  await Bun.udpSocket({
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
}
