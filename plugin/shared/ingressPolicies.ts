/** Removes the ingress policy of a bridge without attachments: in GC, and in the DEL of the last one. */
import type { Attachment } from "../../conf/attachment.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { deleteElements, type FoundElement, listElements } from "../../netlink/nft/element.ts";
import { linkNameBytes } from "../../netlink/nft/set.ts";
import type { Link } from "../../netlink/route/link.ts";
import { stepsOf } from "../../step/index.ts";
import { guardedBy, guardedSet, neighboursSet, portsOfBridge } from "../../step/nft/ingressPolicy.ts";
import { table } from "../../step/nft/table.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** For DEL, whose link may still exist. The policy goes with the last attachment: the next one may have another, or none. */
export function removePoliciesWith(attachment: Attachment, store: Store | undefined, kernel: Kernel): void {
  const link = kernel.link("host", hostLinkName(attachment));
  removeIdlePolicies(store, link ? [link] : [], kernel, attachment);
}

/**
 * `gone`: links that are removed, or are about to be. A bridge that an entry names keeps its policy: its link may be on
 * its way. ADD reads the policy after it has written its entry, so this runs in the store's write transaction.
 */
export function removeIdlePolicies(
  store: Store | undefined,
  gone: readonly Link[],
  kernel: Kernel,
  leaving?: Attachment,
): void {
  if (guardedBridges(kernel).length === 0) return;
  const work = () => removeIdleNow(store, gone, kernel, leaving);
  if (store) store.exclusively(work);
  else work();
}

function removeIdleNow(
  store: Store | undefined,
  gone: readonly Link[],
  kernel: Kernel,
  leaving: Attachment | undefined,
): void {
  const guarded = guardedBridges(kernel);
  const isGone = new Set(gone.map(({ name }) => name));
  const staying = (store?.entries() ?? []).filter(({ attachment }) => !leaving || !isSame(attachment, leaving));
  const expected = new Set(staying.map(({ bridge }) => bridge));
  for (const step of (store?.chainedSteps() ?? []).flatMap(stepsOf)) {
    const bridge = guardedBy(step);
    if (bridge !== undefined) expected.add(bridge);
  }
  // The gateway of one of its VLANs, `br0.100`, is named after the bridge.
  const isExpected = (name: string) => [...expected].some((one) => name === one || name.startsWith(`${one}.`));
  const idle = guarded.filter(({ key }) => {
    const bridge = nameIn(key);
    return !isExpected(bridge) && portsOfBridge(bridge, kernel).every(({ name }) => isGone.has(name));
  });
  const isIdle = new Set(idle.map(({ key }) => nameIn(key)));
  const pairs = listElements(kernel.netfilter, table, neighboursSet.name).filter(({ key }) => isIdle.has(nameIn(key)));
  const keys = (found: readonly FoundElement[]) => found.map(({ key }) => key);
  const messages = [
    ...deleteElements(table, guardedSet.name, keys(idle)),
    ...deleteElements(table, neighboursSet.name, keys(pairs)),
  ];
  if (messages.length > 0) tolerating(() => kernel.batch(messages), errno.ENOENT);
}

function guardedBridges(kernel: Kernel): FoundElement[] {
  return listElements(kernel.netfilter, table, guardedSet.name);
}

function isSame(a: Attachment, b: Attachment): boolean {
  return a.network === b.network && a.container === b.container && a.ifname === b.ifname;
}

function nameIn(key: Uint8Array): string {
  return Buffer.from(key.subarray(0, linkNameBytes("").length))
    .toString()
    .replace(/\0.*/, "");
}
