/** The calls that this process serves at the same time. Code that runs for one of them can ask which. */
import { AsyncLocalStorage } from "node:async_hooks";
import { shareProcess } from "../sys/sharedProcess.ts";

export interface Running {
  readonly id: string;
  /** CNI_NETNS, and the descriptor that the launcher opened there. */
  readonly netns?: { readonly path: string; readonly fd: number } | undefined;
  /** Why the call cannot go on here, in words that follow "cannot". */
  blockedBy?: string | undefined;
  /** True if it may be begun again here; otherwise its launcher finishes it. */
  mayBeginAgain?: boolean;
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

export const callsActive = (): number => active.size;
