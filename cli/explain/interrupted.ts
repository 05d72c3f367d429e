/** Cleaning up when a signal ends a command, such as Ctrl-C. */
import { constants } from "node:os";
import { exitNow } from "../../sys/libc.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls `clean` if a signal comes before the answer is disposed of, and ends the process as the signal would. */
export function untilSignal(clean: () => void): Disposable {
  const end = (signal: (typeof signals)[number]) => {
    clean();
    exitNow(128 + constants.signals[signal]);
  };
  for (const signal of signals) process.on(signal, end);
  return {
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, end);
    },
  };
}
