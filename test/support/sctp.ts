/** SCTP on a kernel without it: one INIT (RFC 9260, section 3.3.2) by socat over raw IP, and how it arrives. */
import type { Place } from "./tcp.ts";

const initChunk = "01 00 00 14  00 00 00 01  00 01 00 00  00 0a 00 0a  00 00 00 01";
const sourcePort = 5000;

/** CRC32c (Castagnoli), with zeros in the checksum field. */
export function sctpChecksum(packet: Buffer): number {
  let crc = ~0;
  for (const [at, byte] of packet.entries()) {
    crc ^= at >= 8 && at < 12 ? 0 : byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

function init(port: number): Buffer {
  const packet = Buffer.concat([Buffer.alloc(12), Buffer.from(initChunk.replaceAll(" ", ""), "hex")]);
  packet.writeUInt16BE(sourcePort, 0);
  packet.writeUInt16BE(port, 2);
  packet.writeUInt32LE(sctpChecksum(packet), 8);
  return packet;
}

/** Sends an INIT until it arrives in `to`. Answers the received SCTP packet and its ports. */
export async function sctpInit(
  from: Place,
  address: string,
  port: number,
  to: Place,
): Promise<[heard: Buffer, ports: { source: number; destination: number }]> {
  const listener = Bun.spawn(to.inside(["socat", "-u", "IP4-RECV:132", "-"]), { stdout: "pipe", stderr: "inherit" });
  const send = () =>
    Bun.spawnSync(from.inside(["socat", "-u", "-", `IP4-SENDTO:${address}:132`]), { stdin: init(port) });
  const repeated = setInterval(send, 100);
  try {
    for await (const bytes of listener.stdout) {
      const heard = Buffer.from(bytes);
      return [heard, { source: heard.readUInt16BE(0), destination: heard.readUInt16BE(2) }];
    }
    throw new Error(`socat heard nothing: exit code ${await listener.exited}`);
  } finally {
    clearInterval(repeated);
    listener.kill("SIGKILL");
  }
}
