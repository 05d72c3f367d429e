/**
 * Shows on a terminal why a command takes long: another process holds the store, or is at work on the same attachment.
 * Names that process.
 */
import { defaultDataDir } from "../../conf/identity.ts";
import { busyTimeoutMsDefault } from "../../store/file/limits.ts";
import { storePathOf } from "../../store/file/path.ts";
import { writerOf } from "../../store/file/writer.ts";
import { isInProgress } from "../../store/index.ts";
import { entriesOf } from "../attachments.ts";
import type { Target } from "../target.ts";
import { waiting } from "./progress.ts";
import { hasEscapes, output } from "./terminal.ts";

const pauseMs = 20;

/**
 * Returns when no other process, or another one than before, holds the store. SQLite's own wait blocks the thread, so that
 * nothing could be shown; the command runs into that one afterwards, and its limit and error are the same as elsewhere.
 */
export async function waitForStore(dataDir = defaultDataDir): Promise<void> {
  if (!hasEscapes(output.error)) return;
  const path = storePathOf(dataDir);
  const first = writerOf(path);
  if (first === undefined) return;
  using _ = waiting(() => `waiting for ${first}, which holds the store`);
  const deadlineMs = performance.now() + busyTimeoutMsDefault;
  while (performance.now() < deadlineMs && writerOf(path) === first) await Bun.sleep(pauseMs);
}

/**
 * Shows, until the answer is disposed of, which process is at work on an attachment of the namespace; without one, the
 * command's own work (`attaching web`), for example while an IPAM plugin looks for an address.
 */
export function waitingForOthers(target: Target, dataDir: string | undefined, own: string): Disposable {
  return waiting(() => {
    const busy = entriesOf(target, { dataDir }).find(isInProgress);
    if (busy === undefined) return `${own} ${target.spec}`;
    const { pid, state, attachment } = busy;
    return `waiting for process ${pid}, which is ${state} ${attachment.ifname} of ${attachment.container}`;
  });
}
