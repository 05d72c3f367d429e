/** Listens for launchers on a Unix socket, for root alone. */
import { chmodSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { code, Fault } from "../conf/fault.ts";
import { userOf } from "../sys/passedDescriptors.ts";
import { Connection, type Host, type Line } from "./handOver.ts";

export const socketDefault = "/run/ns-net/agent.sock";

export interface AgentServer extends Disposable {
  readonly path: string;
}

interface Data {
  connection?: Connection;
}

/** The caller holds the lock of agents (onlyOne.ts), so a socket at the path is a dead agent's. Throws Fault. */
export function listen(path: string, host: Host): AgentServer {
  prepare(path);
  const umask = process.umask(0o177);
  try {
    const server = Bun.listen<Data>({
      unix: path,
      socket: {
        open(socket) {
          const line = socket as typeof socket & Line;
          socket.data = {};
          socket.pause(); // Bun would read the call, and lose its descriptors
          const user = userOf(line.fd);
          if (user !== process.geteuid!()) {
            host.onEvent({ what: "declined", reason: "user", because: `user ${user} may not hand over calls` });
            socket.end();
            return;
          }
          socket.data.connection = new Connection(line, host);
          void socket.data.connection.serve();
        },
        data: ({ data: { connection } }, bytes) => connection?.onBytes(bytes),
        close: ({ data }) => data?.connection?.onClose(),
        error: ({ data }) => data?.connection?.onClose(),
      },
    });
    chmodSync(path, 0o600);
    return { path, [Symbol.dispose]: () => server.stop(true) };
  } catch (error) {
    throw new Fault(code.io, `Cannot listen on ${path}: ${(error as Error).message}`, "Give another --socket");
  } finally {
    process.umask(umask);
  }
}

/** Removes the socket of a dead agent. Throws Fault if something else is at the path. */
function prepare(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return;
    if (!found.isSocket()) throw new Error("a file that is no socket is there");
    if (found.uid !== process.geteuid!()) throw new Error(`a socket of user ${found.uid} is there`);
    rmSync(path);
  } catch (error) {
    const cure = `Look at it with 'ls -l ${path}', remove it, or give another --socket`;
    throw new Fault(code.io, `Cannot listen on ${path}: ${(error as Error).message}`, cure);
  }
}
