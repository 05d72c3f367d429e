/** What a call that died half-way left of an attachment, undone by the next ADD of the same one. */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { undoAll } from "../../step/commit.ts";
import { leftoversOf } from "../../step/index.ts";
import { openExistingStore } from "../../store/index.ts";
import { waitWhileInProgress } from "../../store/wait.ts";
import { throwTogether } from "../faults.ts";
import { removals } from "./attachment.ts";
import { adoptedIn, traces } from "./leftovers.ts";

/**
 * True when something was undone. An attachment that was told to be attached is left alone, and so is what another
 * process is still at work on: that one is waited for. The entry stays, claimed for this process: its lease is taken over.
 */
export async function undoInterrupted(attachment: Attachment, dataDir: string, kernel: Kernel): Promise<boolean> {
  const store = openExistingStore(dataDir);
  const ours = await waitWhileInProgress(() => {
    const entry = store?.find(attachment);
    return entry !== undefined && entry.state !== "attached" && store!.claim(entry) ? entry : undefined;
  });
  if (!ours) return false;
  const inside = ours.bridge === "" ? leftoversOf("container", { kind: "attachment", name: attachment }) : [];
  const beside = [...adoptedIn(ours), ...traces(attachment, ours)];
  throwTogether(undoAll([...removals(attachment, beside), ...inside], kernel));
  kernel.forget("container", attachment.ifname);
  return true;
}
