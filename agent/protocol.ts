/**
 * The messages between a launcher (agent/launcher/launcher.c) and the agent. Numbers are in the machine's byte order.
 *
 *   call     magic u32, length of all u32, then texts that end in NUL: version, call id, inode of the mount namespace, inode of
 *            the PID namespace, argv[0], and the variables CNI_* and NSNET_* as NAME=VALUE.
 *            With it descriptors: standard input, and the network namespace if CNI_NETNS is set.
 *   answer   "A" for accepted. Then the exit code i32, the length of standard output u32, that of standard error u32, both texts.
 *   confirm  "K": the caller has the answer.
 */

/** "NSN1" */
const magic = 0x4e534e31;
const headBytes = 8;
export const callBytesMax = 64 * 1024;

export const accepted = new TextEncoder().encode("A");
export const confirmed = "K".charCodeAt(0);

export interface HandedOver {
  readonly version: string;
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly mountNamespace: bigint;
  readonly pidNamespace: bigint;
  readonly argv0: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Why a message is none. */
export class BadMessage extends Error {}

/** A whole message. Throws BadMessage. */
export function callIn(bytes: Uint8Array): HandedOver {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < headBytes || view.getUint32(0, true) !== magic) throw new BadMessage("it is no call");
  const length = view.getUint32(4, true);
  if (length !== bytes.length) throw new BadMessage(`${bytes.length} of ${length} bytes came`);
  const texts = new TextDecoder().decode(bytes.subarray(headBytes)).split("\0");
  if (texts.pop() !== "") throw new BadMessage("its last text has no end");
  const [version = "", id = "", mount = "", pid = "", argv0 = "", ...variables] = texts;
  if (!/^[0-9a-f]{32}$/.test(id)) throw new BadMessage("it has no id");
  if (!/^\d+$/.test(mount) || !/^\d+$/.test(pid)) throw new BadMessage("it does not name its namespaces");
  const env = Object.fromEntries(
    variables.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
  );
  return { version, id, mountNamespace: BigInt(mount), pidNamespace: BigInt(pid), argv0, env };
}

export interface Answer {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export function answerBytes({ exitCode, out, err }: Answer): Uint8Array {
  const [ofOut, ofErr] = [out, err].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const bytes = new Uint8Array(12 + ofOut.length + ofErr.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, exitCode, true);
  view.setUint32(4, ofOut.length, true);
  view.setUint32(8, ofErr.length, true);
  bytes.set(ofOut, 12);
  bytes.set(ofErr, 12 + ofOut.length);
  return bytes;
}
