/** The calls that this process serves at the same time. */
import { AsyncLocalStorage } from "node:async_hooks";
import { serveSeveral } from "../store/claim.ts";

const current = new AsyncLocalStorage<string>();
const active = new Set<string>();

/** From now on, two calls of this process exclude each other as two processes do. */
export function separateCalls(): void {
  serveSeveral({ current: () => current.getStore() ?? "", isActive: (call) => active.has(call) });
}

/** Runs `work` as the call of that id. */
export async function asCall<T>(id: string, work: () => Promise<T>): Promise<T> {
  active.add(id);
  try {
    return await current.run(id, work);
  } finally {
    active.delete(id);
  }
}
