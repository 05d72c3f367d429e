/** Answers that the store keeps until their callers have them (plugin/handedOver.ts). */
import type { Call } from "../conf/call.ts";
import { parseRequest } from "../conf/parse.ts";
import { forgetAnswers, giveUp } from "../plugin/handedOver.ts";
import { openFolders } from "../store/file/keptOpen.ts";

/** Calls by the folder of their store. */
const confirmed = new Map<string, string[]>();

/** Many at once are one transaction. The store removes the others with their attachments. */
const pauseMs = 100;

/** This process does not finish the call. Its launcher does, or, if that has ended, the next call of the same attachment. */
export function giveUpCall(call: string): void {
  for (const dataDir of openFolders()) {
    try {
      giveUp(dataDir, call);
    } catch {
      // The store is locked or broken: the claims end with this process, or with their time.
    }
  }
}

/** The caller of this ADD has its answer. */
export function forgetLater({ env, stdin, argv0, id }: Call): void {
  const { dataDir } = parseRequest(env, stdin, argv0).config;
  if (confirmed.size === 0) setTimeout(forget, pauseMs);
  const known = confirmed.get(dataDir);
  if (known) known.push(id);
  else confirmed.set(dataDir, [id]);
}

function forget(): void {
  for (const [dataDir, calls] of confirmed) {
    try {
      forgetAnswers(dataDir, calls);
    } catch {
      // The store is locked or broken: the answers go with their attachments.
    }
  }
  confirmed.clear();
}
