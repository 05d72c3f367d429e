/** A call for tests that run a verb, or an IPAM, in their own process. */
import type { Call } from "../../conf/call.ts";

export function callOf(change: Partial<Call> = {}): Call {
  return {
    env: {},
    stdin: new Uint8Array(0),
    argv0: "ns-net",
    id: "test",
    interruption: { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) },
    stderr: (text) => void process.stderr.write(text),
    ...change,
  };
}
