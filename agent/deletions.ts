/**
 * Deletes links in another thread, because the kernel blocks the caller for 20 ms and more. Links that are asked for while
 * the thread is at work go in its next request, all together: the kernel waits once a request.
 */
import type { DeleteLinks } from "../conf/call.ts";
import { mayBlock } from "../sys/sharedProcess.ts";
import type { Job, JobDone } from "./deletionThread.ts";

interface Waiting extends Job {
  readonly resolve: (found: ReadonlySet<string>) => void;
  readonly reject: (error: Error) => void;
}

/** The kernel holds its lock on links as long as a request takes, about a millisecond a link, and an ADD waits for that. */
const linksMax = 64;

export interface Deletions extends Disposable {
  readonly deleteLinks: DeleteLinks;
}

/** Starts the thread. It stays in the network namespace that this thread is in now. */
export function startDeletions(): Deletions {
  const thread = new Worker(new URL("./deletionThread.ts", import.meta.url), { smol: true });
  const waiting: Waiting[] = [];
  let atWork: readonly Waiting[] = [];
  let isScheduled = false;
  let failure: string | undefined;

  const next = () => {
    isScheduled = false;
    if (atWork.length > 0 || waiting.length === 0) return;
    let count = 0;
    let links = 0;
    while (count < waiting.length && (count === 0 || links + waiting[count]!.names.length <= linksMax))
      links += waiting[count++]!.names.length;
    atWork = waiting.splice(0, count);
    thread.postMessage(atWork.map(({ network, names }): Job => ({ network, names })));
  };
  /** After the calls that have arrived already. */
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(next);
  };

  thread.onmessage = ({ data }: MessageEvent<readonly JobDone[]>) => {
    for (const [i, { found, error }] of data.entries()) {
      const { resolve, reject } = atWork[i]!;
      if (error === undefined) resolve(new Set(found));
      else reject(new Error(error));
    }
    atWork = [];
    next();
  };
  thread.onerror = ({ message }) => {
    failure = message;
    for (const { reject } of [...atWork, ...waiting.splice(0)]) reject(new Error(`Cannot delete links: ${message}`));
    atWork = [];
  };

  return {
    async deleteLinks(network, names) {
      // Without the thread, the executable of each launcher deletes its links.
      if (failure !== undefined) mayBlock(`delete links: its thread failed (${failure})`);
      return new Promise((resolve, reject) => {
        waiting.push({ network, names, resolve, reject });
        schedule();
      });
    },
    [Symbol.dispose]: () => thread.terminate(),
  };
}
