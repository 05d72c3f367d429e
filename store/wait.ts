/** Waits for another process that is at work on the same attachment. No lock is held meanwhile. */
import { InProgress } from "./index.ts";

/** An ordinary ADD or DEL takes milliseconds, one that waits for a delegate or the kernel takes seconds. */
const waitMsMax = 10_000;
const pauseMs = 5;

/** Repeats `work` as long as it throws InProgress, and throws that, which names the process, after the limit. */
export async function waitWhileInProgress<T>(work: () => T | Promise<T>, limitMs = waitMsMax): Promise<T> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof InProgress) || performance.now() >= deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
