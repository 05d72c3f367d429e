/** SIGTERM and SIGINT are noted, not obeyed at once: an ADD undoes what it made before it ends, a DEL finishes. */

const signals = ["SIGTERM", "SIGINT"] as const;

/**
 * From now on these signals do not end the process. Answers a function that resolves to the name of the one that came.
 * The kernel is spoken to synchronously, so a signal waits in the event loop: one turn of it delivers what has come.
 */
export function interruptions(): () => Promise<string | undefined> {
  let came: string | undefined;
  for (const signal of signals) process.on(signal, () => (came ??= signal));
  return async () => {
    await Bun.sleep(0); // a third of what setImmediate costs
    return came;
  };
}
