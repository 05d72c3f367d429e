/** Frees what runtimes forgot to delete. */
import { openKernel } from "../../kernel/kernel.ts";
import { reclaim } from "../../plugin/liveness/reclaim.ts";
import { openExisting } from "../../plugin/recovery/openStore.ts";
import { serveOnly } from "../../sys/sharedProcess.ts";
import type { HealingEvent } from "../event.ts";

/**
 * Removes attachments that are dead, or that were gone at two looks in a row. For an agent that sees the mounts and the
 * processes of the runtimes: from elsewhere, namespaces that exist cannot be found.
 */
export function collect(dataDir: string, call: string, onEvent: (event: HealingEvent) => void): void {
  serveOnly(call);
  try {
    using kernel = openKernel({ stderr: (text) => onEvent({ what: "trouble", because: text.trim() }) });
    using store = openExisting({ dataDir }, kernel);
    for (const network of store?.networks() ?? []) {
      const { freed } = reclaim({ network, store: store!, kernel });
      if (freed > 0) onEvent({ what: "collected", network, count: freed });
    }
  } catch (error) {
    onEvent({ what: "trouble", because: `cannot collect in ${dataDir}: ${(error as Error).message}` });
  }
}
