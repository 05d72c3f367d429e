/** UDP flows that never stop: one socket that sends all the time, like a DNS client or a log shipper. */
import type { Place } from "./tcp.ts";

const server = `
const socket = await Bun.udpSocket({ port: Number(process.argv[1]), socket: {
  data: (socket, data, port, address) => void socket.send(process.argv[2], port, address) } });
console.log("ready");`;

const client = `
let heard = "";
process.on("uncaughtException", () => {}); // "no server listens there" is an answer, too
const socket = await Bun.udpSocket({ port: 40000, socket: { data: (_, data) => { heard = data.toString(); }, error: () => {} } });
setInterval(() => { socket.send("?", Number(process.argv[2]), process.argv[1]); }, 20);
setInterval(() => { console.log(heard); heard = ""; }, 100);`;

export interface Flow extends Disposable {
  /** The name of the server that answers after a while. */
  heard(): Promise<string>;
}

/** Answers every packet to `port` with `name`. */
export async function udpServer(place: Place, port: number, name: string): Promise<Disposable> {
  const child = Bun.spawn(place.inside([process.execPath, "-e", server, String(port), name]), { stdout: "pipe" });
  for await (const _ of child.stdout) break;
  return { [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

/** Sends to an address from one port without end. */
export function udpFlow(place: Place, address: string, port: number): Flow {
  const child = Bun.spawn(place.inside([process.execPath, "-e", client, address, String(port)]), { stdout: "pipe" });
  const lines: string[] = [];
  void (async () => {
    for await (const bytes of child.stdout) lines.push(...Buffer.from(bytes).toString().split("\n").slice(0, -1));
  })();
  return {
    async heard() {
      await Bun.sleep(300);
      const from = lines.length;
      for (let i = 0; i < 100 && lines.length < from + 2; i++) await Bun.sleep(20);
      if (lines.length < from + 2) throw new Error("the UDP client has ended");
      return lines.at(-1) ?? "";
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}
