/** The call of this process, without its standard input. */

import type { Call, Interruption } from "../conf/call.ts";
import type { Environment } from "../conf/env.ts";
import { serveOnly } from "../sys/sharedProcess.ts";

/** From now on, SIGTERM and SIGINT do not end this process while it changes something. */
export function processCall(env: Environment): Call {
  const handedOver = env["NSNET_HAND_OVER"];
  if (handedOver) serveOnly(handedOver);
  return {
    env,
    stdin: new Uint8Array(0),
    argv0: process.argv0,
    id: handedOver || env["NSNET_CALL_ID"] || String(process.pid),
    isRepeated: Boolean(handedOver),
    interruption: changing.includes(env["CNI_COMMAND"]) ? interruptions() : none,
    stderr: (text) => void process.stderr.write(text),
  };
}

const changing: readonly (string | undefined)[] = ["ADD", "DEL", "GC"];

const signals = ["SIGTERM", "SIGINT"] as const;

const none: Interruption = { came: async () => undefined, passTo: () => ({ [Symbol.dispose]() {} }) };

/** The kernel is called synchronously, so a signal waits in the event loop: one turn delivers it. */
function interruptions(): Interruption {
  let came: string | undefined;
  for (const signal of signals) process.on(signal, () => (came ??= signal));
  return {
    async came() {
      await Bun.sleep(0); // a third of what setImmediate costs
      return came;
    },
    passTo(handle) {
      for (const signal of signals) process.on(signal, handle);
      return {
        [Symbol.dispose]() {
          for (const signal of signals) process.off(signal, handle);
        },
      };
    },
  };
}
