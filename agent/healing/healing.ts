/** Starts the thread that repairs what other programs remove, and names the stores in use. */
import { activeElsewhere, newCallId } from "../calls.ts";
import type { HealingEvent, OnEvent } from "../event.ts";

/** To the thread. */
export type Told =
  | { readonly do: "heal"; readonly folder: string; readonly isInUse: boolean }
  /** The call is the name of its claims, which this process respects until the thread says that it has finished. */
  | { readonly do: "collect"; readonly folder: string; readonly call: string };

/** From the thread. */
export type Said = HealingEvent | { readonly what: "finished"; readonly call: string };

export interface Healing extends Disposable {
  /** A call used the store in that folder. Its caller shares our mounts and processes, so what cannot be found there is gone. */
  used(folder: string): void;
}

const collectEveryMs = 60_000;

/** The thread stays in the network namespace that this thread is in now. */
export function startHealing(folders: readonly string[], onEvent: OnEvent): Healing {
  const thread = new Worker(new URL("./healingThread.ts", import.meta.url), { smol: true });
  const tell = (told: Told) => thread.postMessage(told);
  const compared = new Set<string>();
  const collected = new Set<string>();
  const claims = new Map<string, Disposable>();
  const heal = (folder: string, isInUse: boolean) => {
    if (compared.has(folder)) return;
    compared.add(folder);
    tell({ do: "heal", folder, isInUse });
  };
  thread.onmessage = ({ data }: MessageEvent<Said>) => {
    if (data.what !== "finished") return onEvent(data);
    claims.get(data.call)?.[Symbol.dispose]();
    claims.delete(data.call);
  };
  thread.onerror = ({ message }) => onEvent({ what: "trouble", because: `nothing is repaired any more: ${message}` });
  const timer = setInterval(() => {
    if (claims.size > 0) return; // the thread is still at it
    for (const folder of collected) {
      const call = newCallId();
      claims.set(call, activeElsewhere(call));
      tell({ do: "collect", folder, call });
    }
  }, collectEveryMs);
  for (const folder of folders) heal(folder, false);
  return {
    used(folder) {
      heal(folder, true);
      collected.add(folder);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      thread.terminate();
    },
  };
}
