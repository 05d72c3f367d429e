/** Finds an attachment's entry for DEL and claims it for this process; or finds that there is nothing to remove. */

import type { Attachment } from "../../conf/attachment.ts";
import { Fault } from "../../conf/fault.ts";
import { isContainerLink, ownType } from "../../conf/pluginType.ts";
import type { DeleteRequest } from "../../conf/request.ts";
import { findHostLink } from "../../kernel/hostLink.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { linkGroup, unnamedAttachment, unnamedNetwork } from "../../kernel/ownership.ts";
import type { Entry } from "../../store/entry.ts";
import { InProgress } from "../../store/index.ts";
import type { Store } from "../../store/store.ts";
import defer * as wait from "../../store/wait.ts";
import type { Attempts } from "../attempts.ts";
import { openExisting } from "../recovery/openStore.ts";
import defer * as containerLink from "./containerLink.ts";
import defer * as newerStore from "./newerStore.ts";

/** The state of the store and the host as DEL finds it. */
export interface Claimed {
  /** Undefined if there is none that can be read. Stays open: a plugin's process ends at once, and closing would write and sync. */
  store?: Store | undefined;
  /** State "deleting", by this process. */
  entry?: Entry | undefined;
  /** The name that the entry has in the store, if a rebuild found a link without the attachment's name. */
  storedAs?: Attachment;
  /** True if there was no entry and no link: a link that has its name now is of an ADD that began since. */
  isAbsent?: boolean;
}

/** Waits for an ADD that is at work; throws InProgress if that takes too long. Collects other errors: DEL removes the link all the same. */
export async function claimEntry(request: DeleteRequest, kernel: Kernel, attempts: Attempts): Promise<Claimed> {
  const { attachment, dataDir } = request;
  const scope = { dataDir, network: attachment.network };
  const claimed: Claimed = {};
  try {
    claimed.store = openExisting(scope, kernel);
    claimed.entry = claimed.store && (await claim(claimed.store, attachment));
    if (claimed.entry) return claimed;
    // An ADD may have begun since. It writes its entry before it creates the link, so a link that exists now has an entry.
    claimed.isAbsent = !findHostLink(hostLinkName(attachment), kernel) && !isInContainer(request, kernel);
    if (!claimed.isAbsent) {
      claimed.store ??= openExisting(scope, kernel);
      claimed.entry = claimed.store && (await claim(claimed.store, attachment));
    }
    if (!claimed.entry && claimed.store) await claimUnnamed(attachment, claimed.store, claimed);
  } catch (error) {
    if (error instanceof InProgress) throw error;
    attempts.all(() => unlessNewer(error, kernel));
  }
  return claimed;
}

/** Waits for an ADD that is at work: the rest of what it creates would outlive this DEL. */
async function claim(store: Store, attachment: Attachment): Promise<Entry | undefined> {
  try {
    return store.deleting(attachment);
  } catch (error) {
    if (!(error instanceof InProgress)) throw error;
    return wait.waitWhileInProgress(() => store.deleting(attachment));
  }
}

/** A rebuild gives an entry another name if the link has no alias to read the attachment's name from. */
async function claimUnnamed(attachment: Attachment, store: Store, claimed: Claimed): Promise<void> {
  const host = hostLinkName(attachment);
  for (const network of [attachment.network, unnamedNetwork(linkGroup(attachment.network))]) {
    const storedAs = unnamedAttachment(host, network);
    const entry = await claim(store, storedAs);
    if (!entry) continue;
    Object.assign(claimed, { entry: { ...entry, attachment }, storedAs, isAbsent: false });
    return;
  }
}

function isInContainer(request: DeleteRequest, kernel: Kernel): boolean {
  if (!isContainerLink(request.type ?? ownType)) return false;
  return containerLink.isInContainer(request, kernel);
}

function unlessNewer(error: unknown, kernel: Kernel): Error[] {
  if (!(error instanceof Fault)) return [error as Error];
  return newerStore.unlessNewer(error, kernel);
}
