/** TCP between namespaces: a server that answers each client's address, and clients. */
import { join } from "node:path";

/** Turns a command into one that runs in a namespace; a Netns is one. */
export interface Place {
  inside(command: readonly string[]): string[];
}

const program = (name: string) => join(import.meta.dirname, name);

export interface TcpServer extends Disposable {
  readonly port: number;
}

/** Resolves when the server listens. Ends with the block: `using server = await tcpServer(web)`. */
export async function tcpServer(place: Place, address = "0.0.0.0", port = 0): Promise<TcpServer> {
  const child = Bun.spawn(place.inside([process.execPath, program("tcp-server.ts"), address, String(port)]), {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  for await (const bytes of child.stdout) {
    said += Buffer.from(bytes).toString();
    if (said.includes("\n")) break;
  }
  if (!/^\d+\n/.test(said))
    throw new Error(`Cannot listen on ${address} port ${port}: exit code ${await child.exited}`);
  return { port: Number(said), [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

/** bash connects and prints the server's answer: a process of Bun takes six times the CPU time. */
const client = 'exec 3<>"/dev/tcp/$1/$2" || exit; read -r answer <&3; echo "$answer"';

/** The exit code of timeout(1) when the time was over. */
const timedOut = 124;

const reasons = {
  "Connection refused": "ECONNREFUSED",
  "No route to host": "EHOSTUNREACH",
  "Network is unreachable": "ENETUNREACH",
};

/** The client's address as the server saw it, or why there was no connection: "timeout", "ECONNREFUSED". */
export async function tcpReach(
  place: Place,
  address: string,
  port: number,
  { limitMs = 2000 } = {},
): Promise<{ readonly seenAs: string } | { readonly failed: string }> {
  const command = ["timeout", String(limitMs / 1000), "bash", "-c", client, "bash", address, String(port)];
  const child = Bun.spawn(place.inside(command), {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  if (code === 0) return { seenAs: out.trim().replace(/^::ffff:/, "") };
  if (code === timedOut) return { failed: "timeout" };
  return { failed: Object.entries(reasons).find(([said]) => err.includes(said))?.[1] ?? err.trim() };
}
