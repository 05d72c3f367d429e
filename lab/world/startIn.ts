/** Work that goes on, with sockets of another namespace. */
import { inNetns, type Netns } from "../../sys/netns.ts";

/**
 * Starts `work` in a namespace. A socket belongs to the namespace in which it is opened, and `work` opens its own before it
 * waits for the first time; the rest of it runs in the namespace of this process.
 */
export function startIn<T>(netns: Netns, work: () => Promise<T>): Promise<T> {
  let started: Promise<T> | undefined;
  inNetns<void>(netns, () => {
    started = work();
  });
  return started!;
}
