/**
 * The messages between a launcher (agent/launcher/launcher.c) and the agent. Numbers are in the machine's byte order.
 *
 *   launcher → agent   the call: magic u32, length of all u32, then texts that end in NUL: version, call id, inode of the
 *                      mount namespace, of the PID namespace and of the network namespace of the launcher, argv[0], and
 *                      each variable of its environment as NAME=VALUE. Descriptors come with it: a file with standard input, and the network namespace if
 *                      CNI_NETNS can be opened.
 *   agent → launcher   "A": accepted. A launcher that waited too long for it has left, and nothing was done.
 *   launcher → agent   "G": go. From here on, the agent does the call, or closes the connection and leaves it to the launcher.
 *   launcher → agent   "T": the launcher was asked to end (SIGTERM, SIGINT).
 *   agent → launcher   exit code i32, length of standard output u32, length of standard error u32, both texts. With the
 *                      exit code -1, the launcher prints the texts and does the call again by the executable.
 *   launcher → agent   "K": the caller has the answer.
 */

/** "NSN1" */
const magic = 0x4e534e31;
const headBytes = 8;
export const callBytesMax = 64 * 1024;

export const accepted = new TextEncoder().encode("A");

/** Words of a launcher after its call. */
export const word = { go: "G".charCodeAt(0), end: "T".charCodeAt(0), confirmed: "K".charCodeAt(0) } as const;

export interface HandedOver {
  readonly version: string;
  /** 32 hexadecimal digits; the first 12 are milliseconds since boot. */
  readonly id: string;
  readonly mountNamespace: bigint;
  readonly pidNamespace: bigint;
  /** The one that is the host of this call. */
  readonly networkNamespace: bigint;
  readonly argv0: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Why the agent does not accept a call. */
export class Declined extends Error {
  /** One word, for metrics. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

const malformed = (message: string) => new Declined("malformed", message);

/** Bytes that the message has in all, as far as it can be said of its beginning. Throws Declined. */
export function callLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < headBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw malformed("what came is not a call");
  const length = view.getUint32(4, true);
  if (length > callBytesMax) throw malformed(`the call has ${length} bytes, and may have ${callBytesMax}`);
  if (length < bytes.length) throw malformed(`the call has ${length} bytes, and ${bytes.length} came`);
  return length;
}

/** Reads a whole message. Throws Declined. */
export function callIn(bytes: Uint8Array): HandedOver {
  if (callLength(bytes) !== bytes.length) throw malformed(`the call is cut off after ${bytes.length} bytes`);
  const texts = new TextDecoder().decode(bytes.subarray(headBytes)).split("\0");
  if (texts.pop() !== "") throw malformed("the last text of the call has no end");
  const [version = "", id = "", mount = "", pid = "", network = "", argv0 = "", ...variables] = texts;
  if (!/^[0-9a-f]{32}$/.test(id)) throw malformed(`the call has no id: ${JSON.stringify(id)}`);
  if (![mount, pid, network].every((inode) => /^\d+$/.test(inode)))
    throw malformed("the call does not name its namespaces");
  const env: Record<string, string> = Object.create(null);
  for (const variable of variables) {
    const at = variable.indexOf("=");
    if (at > 0) env[variable.slice(0, at)] ??= variable.slice(at + 1);
  }
  const namespaces = {
    mountNamespace: BigInt(mount),
    pidNamespace: BigInt(pid),
    networkNamespace: BigInt(network),
  };
  return { version, id, ...namespaces, argv0, env };
}

/** In place of an exit code: the call is handed back. */
export const handedBack = -1;

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
