/**
 * GC: a set difference. What the store's entries and the kernel's links say is ours on this network, less what the
 * runtime says is valid, is removed. It goes on after errors and tells them together.
 */
import type { Attachment } from "../conf/attachment.ts";
import type { CollectRequest } from "../conf/request.ts";
import { ipamForRelease } from "../ipam/index.ts";
import { openExistingStore, type Store } from "../ipam/store.ts";
import { errno, isKernelError } from "../netlink/errors.ts";
import { commitBatch } from "../netlink/nft/batch.ts";
import { deleteChain, listChains } from "../netlink/nft/chain.ts";
import { flushChain } from "../netlink/nft/rule.ts";
import { deleteTable, hasTable } from "../netlink/nft/table.ts";
import { changeLink, deleteLink, deleteLinkGroup, type Link, listLinks } from "../netlink/route/link.ts";
import { throwTogether } from "./failure.ts";
import { Kernel } from "./kernel.ts";
import { bridgeGroup, condemnedGroup, hostLinkName, linkGroup, masqueradeChainPrefix } from "./names.ts";
import { table } from "./step/masquerade.ts";

export interface Collected {
  readonly attachments: readonly Attachment[];
  readonly links: readonly string[];
  readonly chains: readonly string[];
  readonly bridges: readonly string[];
}

/** With `dryRun`, answers what it would remove. Throws Fault with every error there was, after all else is done. */
export async function gc(request: CollectRequest, dryRun = false): Promise<Collected> {
  const kernel = new Kernel();
  const errors: Error[] = [];
  const attempt = async <T>(otherwise: NoInfer<T>, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      errors.push(error as Error);
      return otherwise;
    }
  };
  using store = await attempt(undefined, () => openExistingStore(request.dataDir));
  const isValid = validity(request);
  const stale = await attempt([], () =>
    (store?.entries(request.network) ?? []).filter(({ attachment }) => !isValid(attachment)),
  );
  const links = await attempt([], () => staleLinks(request, kernel));
  if (!dryRun) {
    await attempt(undefined, () => removeLinks(request.network, links, kernel));
    for (const entry of stale) {
      await attempt(undefined, () =>
        ipamForRelease(request, entry).release(
          { ...request, attachment: entry.attachment, netns: entry.netnsPath },
          store,
        ),
      );
    }
    await attempt(undefined, () => ipamForRelease(request, undefined).collect?.(request));
  }
  const isEmpty = request.valid.length === 0;
  const chains = isEmpty ? await attempt([], () => removeChains(request.network, kernel, dryRun)) : [];
  const bridges = isEmpty ? await attempt([], () => removeBridges(request, kernel, store, links, dryRun)) : [];
  kernel.close();
  throwTogether(errors);
  return {
    attachments: stale.map(({ attachment }) => attachment),
    links: links.map(({ name }) => name ?? ""),
    chains,
    bridges,
  };
}

function validity({ valid }: CollectRequest): (attachment: Attachment) => boolean {
  const keys = new Set(valid.map(({ container, ifname }) => `${container}\0${ifname}`));
  return ({ container, ifname }) => keys.has(`${container}\0${ifname}`);
}

/** Links of the network's group whose name is not that of a valid attachment. */
function staleLinks({ network, valid }: CollectRequest, kernel: Kernel): Link[] {
  const keep = new Set(valid.map((one) => hostLinkName({ network, ...one })));
  const group = linkGroup(network);
  return listLinks(kernel.route("host")).filter((link) => link.group === group && !keep.has(link.name ?? ""));
}

/** One by one each waits for the kernel's readers; as a group they wait once. */
function removeLinks(network: string, links: readonly Link[], kernel: Kernel): void {
  if (links.length === 0) return;
  const group = condemnedGroup(network);
  const condemn = (link: Link) => changeLink(`condemn link ${link.name}`, { index: link.index, group });
  for (const link of links) ignoring(errno.ENODEV, () => kernel.request("host", condemn(link)));
  ignoring(errno.ENODEV, () => kernel.request("host", deleteLinkGroup(group)));
}

/** The network's masquerade chains, and the table with the last chain in it. */
function removeChains(network: string, kernel: Kernel, dryRun: boolean): string[] {
  if (!hasTable(kernel.netfilter, table)) return [];
  const all = listChains(kernel.netfilter, table).map(({ name }) => name ?? "");
  const ours = all.filter((name) => name.startsWith(masqueradeChainPrefix(network)));
  if (dryRun) return ours;
  const messages = ours.flatMap((name) => [flushChain(table, name), deleteChain(table, name)]);
  if (ours.length === all.length) messages.push(deleteTable(table));
  if (messages.length > 0) ignoring(errno.ENOENT, () => commitBatch(kernel.netfilter, messages));
  return ours;
}

/** A bridge that this network made, once nothing is attached to it. */
function removeBridges(
  { network }: CollectRequest,
  kernel: Kernel,
  store: Store | undefined,
  gone: readonly Link[],
  dryRun: boolean,
): string[] {
  const group = bridgeGroup(network);
  const links = listLinks(kernel.route("host"));
  const goneIndexes = new Set(gone.map(({ index }) => index));
  const inUse = new Set(links.filter(({ index }) => !goneIndexes.has(index)).map(({ master }) => master));
  const expected = new Set(
    (store?.entries() ?? []).filter((entry) => entry.attachment.network !== network).map(({ bridge }) => bridge),
  );
  const idle = links.filter((link) => link.group === group && !inUse.has(link.index) && !expected.has(link.name ?? ""));
  const names = idle.map(({ name }) => name ?? "");
  if (!dryRun) for (const name of names) ignoring(errno.ENODEV, () => kernel.request("host", deleteLink(name)));
  return names;
}

function ignoring(number: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isKernelError(error, number)) throw error;
  }
}
