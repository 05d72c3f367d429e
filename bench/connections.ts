/**
 * How many connections a second a client outside makes, one after the other, to a host port that leads to a pod. Both
 * ends are processes in their own namespaces: `serve PORT`, and `call HOST PORT COUNT`, which prints the rate.
 */
import { connect, createServer } from "node:net";
import { hostAddress, hostPortOf, outside } from "./contestant.ts";

const count = 3000;

const inside = (netns: string, ...words: string[]) =>
  Bun.spawn(["ip", "netns", "exec", netns, process.execPath, import.meta.filename, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });

export async function connectionsPerSecond(pod: string): Promise<number> {
  const server = inside(pod, "serve", "80");
  try {
    await server.stdout.getReader().read(); // it listens
    return Number(await inside(outside, "call", hostAddress, String(hostPortOf(pod)), String(count)).stdout.text());
  } finally {
    server.kill();
    await server.exited;
  }
}

/** The server closes each connection, so that the client's ports are free again. */
function serve(port: number): void {
  createServer((socket) => socket.on("error", () => {}).end()).listen(port, () => process.stdout.write("ready\n"));
}

function once(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    connect(port, host).on("error", reject).on("close", resolve).resume();
  });
}

async function callMany(host: string, port: number, many: number): Promise<void> {
  for (let i = 0; i < many / 10; i++) await once(host, port); // warms both ends up
  const startMs = performance.now();
  for (let i = 0; i < many; i++) await once(host, port);
  console.log((many * 1000) / (performance.now() - startMs));
}

if (import.meta.main) {
  const [role, ...words] = process.argv.slice(2);
  if (role === "serve") serve(Number(words[0]));
  else await callMany(words[0]!, Number(words[1]), Number(words[2]));
}
