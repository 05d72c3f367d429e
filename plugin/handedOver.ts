/** An ADD that a launcher handed over twice: the agent that served it first may have died before its answer arrived. */
import type { Call } from "../conf/call.ts";
import type { Request } from "../conf/request.ts";
import { openExistingStore } from "../store/file/open.ts";

/** The result of the first time; undefined if there is none. */
export function answerOf({ config: { dataDir } }: Request, { id }: Call): object | undefined {
  try {
    using store = openExistingStore(dataDir);
    const kept = store?.answers.find(id);
    return kept === undefined ? undefined : (JSON.parse(kept) as object);
  } catch {
    return undefined; // ADD opens the store, too, and says what is wrong with it
  }
}

/** This process does not finish the call: another one may do so at once, also one of another call. */
export function giveUp(dataDir: string, call: string): void {
  using store = openExistingStore(dataDir);
  store?.answers.giveUp(call);
}

/** The launchers of these calls have their results. */
export function forgetAnswers(dataDir: string, calls: readonly string[]): void {
  using store = openExistingStore(dataDir);
  store?.answers.forget(calls);
}
