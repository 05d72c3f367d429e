/** Receives a call and its descriptors from a connection, without waiting in the kernel. */
import { receiveNow } from "../sys/passedDescriptors.ts";
import { callBytesMax, callLength, Declined } from "./protocol.ts";

/** A launcher sends the call right after it has connected, and waits that long for its acceptance. */
const receiveMsMax = 250;
const pauseMs = 1;

/**
 * The bytes of a call. `opened` gets the descriptors that came, also if it throws: they are the caller's to close. Throws
 * Declined, or KernelError.
 */
export async function received(socket: number, opened: number[]): Promise<Uint8Array> {
  const deadlineMs = performance.now() + receiveMsMax;
  let whole: Uint8Array = new Uint8Array(0);
  for (;;) {
    const part = receiveNow(socket, callBytesMax);
    if (part) {
      opened.push(...part.descriptors);
      if (part.bytes.length === 0) throw new Declined("malformed", `the call is cut off after ${whole.length} bytes`);
      whole = whole.length === 0 ? part.bytes : Buffer.concat([whole, part.bytes]);
      if (callLength(whole) === whole.length) return whole;
    }
    if (performance.now() >= deadlineMs) {
      const what = `${whole.length} bytes of a call came in ${receiveMsMax} ms`;
      throw new Declined(whole.length === 0 ? "silent" : "malformed", what);
    }
    if (!part) await Bun.sleep(pauseMs);
  }
}
