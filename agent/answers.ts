/** Answers that the store keeps until their callers have them (plugin/handedOver.ts). */
import type { Call } from "../conf/call.ts";
import { parseRequest } from "../conf/parse.ts";
import { forgetAnswers } from "../plugin/handedOver.ts";

/** Calls by the folder of their store. */
const confirmed = new Map<string, string[]>();

/** Many at once are one transaction. The store removes the others with their attachments. */
const pauseMs = 100;

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
