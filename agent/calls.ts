/** The calls that this process serves at the same time. Code that runs for one of them can ask which. */
import { AsyncLocalStorage } from "node:async_hooks";
import { readText } from "../sys/files.ts";
import { shareProcess } from "../sys/sharedProcess.ts";

export interface Running {
  readonly id: string;
  /** CNI_NETNS, and the descriptor that the launcher opened there. */
  readonly netns?: { readonly path: string; readonly fd: number } | undefined;
  /** Why the call cannot go on here, in words that follow "cannot". */
  blockedBy?: string | undefined;
  /** True if it may be begun again here; otherwise its launcher finishes it. */
  mayBeginAgain?: boolean | undefined;
}

const current = new AsyncLocalStorage<Running>();
const active = new Set<string>();

/** From now on, two calls of this process exclude each other, and a call that would hold the others up is refused. */
export function separateCalls(): void {
  shareProcess({
    currentCall: () => current.getStore()?.id ?? "",
    isActive: (call) => active.has(call),
    namespaceAt: (path) => {
      const netns = current.getStore()?.netns;
      return netns?.path === path ? netns.fd : undefined;
    },
    onWouldBlock(work, isBrief) {
      const running = current.getStore();
      if (!running) return;
      running.mayBeginAgain = isBrief && (running.mayBeginAgain ?? true);
      running.blockedBy ??= work;
    },
  });
}

/** Runs `work` as that call. */
export async function asCall<T>(running: Running, work: () => Promise<T>): Promise<T> {
  active.add(running.id);
  try {
    return await current.run(running, work);
  } finally {
    active.delete(running.id);
  }
}

/** Claims of that name belong to another thread of this process, until they are disposed of. */
export function activeElsewhere(id: string): Disposable {
  active.add(id);
  return { [Symbol.dispose]: () => void active.delete(id) };
}

/** The name of a call that no launcher makes: milliseconds since boot, and random digits. */
export function newCallId(): string {
  const uptimeMs = Math.round(Number(readText("/proc/uptime").split(" ")[0]) * 1000);
  const random = crypto.getRandomValues(new Uint8Array(10)).toHex();
  return `${uptimeMs.toString(16).padStart(12, "0")}${random}`;
}
