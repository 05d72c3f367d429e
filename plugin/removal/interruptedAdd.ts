/** Removes what an interrupted call left of an attachment, when ADD comes for the same one again. */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { waitWhileInProgress } from "../../store/wait.ts";
import { throwTogether } from "../faults.ts";
import { openExisting } from "../recovery/openStore.ts";
import { leavingOf, removeAttachment } from "./attachment.ts";

/**
 * True if something was removed. Leaves finished attachments alone, and waits for a live owner. The entry stays, owned by
 * this process, so that its lease is reused.
 */
export async function undoInterrupted(attachment: Attachment, dataDir: string, kernel: Kernel): Promise<boolean> {
  const store = openExisting({ dataDir, network: attachment.network }, kernel);
  const ours = await waitWhileInProgress(() => {
    const entry = store?.find(attachment);
    return entry !== undefined && entry.state !== "attached" && store!.claim(entry) ? entry : undefined;
  });
  if (!ours) return false;
  throwTogether(removeAttachment(leavingOf(ours, "delete", kernel.netns?.path), store, kernel));
  kernel.forgetAll(); // a lent device, for example, is on the host again
  return true;
}
