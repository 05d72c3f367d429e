/** A launcher that may do anything: sends bytes and descriptors to an agent, and reads what comes back. */
import { ptr } from "bun:ffi";
import { closeSync, openSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bind } from "../../sys/libc.ts";
import { connectUnix } from "../../sys/sysRare.ts";

const c = bind({
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
});

const [SOL_SOCKET, SCM_RIGHTS, MSG_NOSIGNAL] = [1, 1, 0x4000];

/** Sends bytes, with descriptors if there are any. Answers how many bytes were sent; negative for a refusal. */
export function send(socket: number, bytes: Uint8Array, descriptors: readonly number[] = []): number {
  const control = new Uint8Array(16 + ((4 * descriptors.length + 7) & ~7));
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(16 + 4 * descriptors.length), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  for (const [i, fd] of descriptors.entries()) view.setInt32(16 + 4 * i, fd, true);
  const data = bytes.length === 0 ? new Uint8Array(1) : bytes;
  const part = new BigUint64Array([BigInt(ptr(data)), BigInt(bytes.length)]);
  const [pointer, length] = descriptors.length === 0 ? [0n, 0n] : [BigInt(ptr(control)), BigInt(control.length)];
  const message = new BigUint64Array([0n, 0n, BigInt(ptr(part)), 1n, pointer, length, 0n]);
  return Number(c.sendmsg(socket, ptr(message), MSG_NOSIGNAL));
}

export const connect = (path: string, timeoutMs = 2000): number => connectUnix(path, timeoutMs);

/** Up to that many bytes; fewer at the end of the connection. Throws after the connection's time. */
export function receive(socket: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let at = 0;
  try {
    while (at < length) {
      const count = readSync(socket, bytes, at, length - at, null);
      if (count === 0) break;
      at += count;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
  }
  return bytes.subarray(0, at);
}

export interface Parts {
  readonly magic?: number;
  /** Instead of the true length. */
  readonly length?: number;
  readonly version: string;
  readonly id: string;
  readonly mount: string;
  readonly pid: string;
  readonly network: string;
  readonly argv0: string;
  readonly env: Readonly<Record<string, string>>;
}

export function bytesOf({ magic = 0x4e534e31, length, env, ...texts }: Parts): Buffer {
  const { version, id, mount, pid, network, argv0 } = texts;
  const variables = Object.entries(env).map((pair) => pair.join("="));
  const body = Buffer.from([version, id, mount, pid, network, argv0, ...variables].map((text) => `${text}\0`).join(""));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(magic >>> 0, 0);
  head.writeUInt32LE((length ?? 8 + body.length) >>> 0, 4);
  return Buffer.concat([head, body]);
}

let count = 0;

/** 32 hexadecimal digits, as a launcher makes them. */
export function newId(): string {
  const uptimeMs = Math.round(performance.now() + 1);
  return uptimeMs.toString(16).padStart(12, "0") + (++count).toString(16).padStart(20, "0");
}

/** Sent by a launcher in that network namespace. */
export function goodParts(netnsOfHost: string, version: string, env: Readonly<Record<string, string>>): Parts {
  const inode = (path: string) => String(statSync(path).ino);
  const own = { mount: inode("/proc/self/ns/mnt"), pid: inode("/proc/self/ns/pid"), network: inode(netnsOfHost) };
  return { version, id: newId(), ...own, argv0: "ns-net", env };
}

/** A file in memory, as far as the agent can see: a regular one without a name. */
export function inputOf(config: object): number {
  const path = join(tmpdir(), `ns-net-input-${process.pid}-${++count}`);
  writeFileSync(path, JSON.stringify(config));
  const fd = openSync(path, "r");
  rmSync(path);
  return fd;
}

export interface Answered {
  readonly exitCode: number;
  readonly out: string;
  readonly ms: number;
}

/** Hands a call over as a launcher does. Throws if the agent does not serve it. */
export function handOver(socket: string, parts: Parts, descriptors: readonly number[]): Answered {
  const startMs = performance.now();
  const line = connect(socket);
  try {
    send(line, bytesOf(parts), descriptors);
    if (receive(line, 1).toString() !== "A") throw new Error("the agent did not accept the call");
    send(line, Buffer.from("G"));
    const head = receive(line, 12);
    if (head.length < 12) throw new Error("the agent closed the connection");
    const out = receive(line, head.readUInt32LE(4));
    receive(line, head.readUInt32LE(8));
    send(line, Buffer.from("K"));
    return { exitCode: head.readInt32LE(0), out: out.toString(), ms: performance.now() - startMs };
  } finally {
    closeSync(line);
  }
}
