/** The built-in servers of pods. A socket that is opened inside a namespace stays there, so one process serves all. */
import { type Address, formatAddress } from "../../ip/address.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import type { Pod } from "../model/lab.ts";

interface Stoppable {
  stop(): void;
}

/**
 * Opens the servers of one pod; they listen when the promise resolves. TCP ports listen on every address. A UDP socket
 * is bound to each address, because one for all would answer from another address than the one that was asked.
 */
export async function openServers(pod: Pod, netns: Netns, addresses: readonly Address[]): Promise<Stoppable[]> {
  const all: (Stoppable | Promise<Stoppable>)[] = [];
  for (const { kind, port } of pod.serve) {
    if (kind === "http") all.push(inNetns<Stoppable>(netns, () => httpServer(pod.name, port)));
    else if (kind === "tcp") all.push(inNetns<Stoppable>(netns, () => echoServer(port)));
    else {
      const hosts = ["127.0.0.1", ...addresses.map(formatAddress)];
      // `inNetns` takes no promise: the socket is opened before the promise exists.
      for (const host of hosts) {
        let socket: Promise<Stoppable> | undefined;
        inNetns<void>(netns, () => {
          socket = udpEcho(host, port);
        });
        all.push(socket!);
      }
    }
  }
  return Promise.all(all);
}

/** `::` takes IPv4, too. */
const everyAddress = "::";

function httpServer(body: string, port: number): Stoppable {
  const server = Bun.serve({ hostname: everyAddress, port, fetch: () => new Response(body) });
  return { stop: () => void server.stop(true) };
}

function echoServer(port: number): Stoppable {
  const server = Bun.listen({
    hostname: everyAddress,
    port,
    socket: { data: (socket, bytes) => void socket.write(bytes) },
  });
  return { stop: () => server.stop(true) };
}

async function udpEcho(hostname: string, port: number): Promise<Stoppable> {
  const socket = await Bun.udpSocket({
    hostname,
    port,
    socket: { data: (own, bytes, from, address) => void own.send(bytes, from, address) },
  });
  return { stop: () => socket.close() };
}
