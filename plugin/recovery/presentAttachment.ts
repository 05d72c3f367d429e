/** An attachment that the kernel shows, and how its entry begins. */

import type { Attachment } from "../../conf/attachment.ts";
import { type Cidr, formatCidr, networkOf } from "../../ip/address.ts";
import type { SeenAddress } from "../../kernel/addresses.ts";
import type { SeenNamespace } from "../../kernel/namespaces.ts";
import type { Link } from "../../netlink/route/link.ts";
import type { LeasedAddress, NewEntry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";

export interface PresentAttachment {
  readonly attachment: Attachment;
  readonly host: Link;
  /** The container's end, as its namespace has it. */
  readonly inner: Link | undefined;
  readonly addresses: readonly SeenAddress[];
  readonly bridge: Link | undefined;
  readonly bridgeAddresses: readonly Cidr[];
  /** Undefined when nothing that can be seen from here leads into it: no name, no process. */
  readonly netns: SeenNamespace | undefined;
}

/** The entry, with the addresses reserved. */
export function begin(
  draft: Store,
  entry: NewEntry,
  addresses: readonly Cidr[],
  leased: readonly LeasedAddress[],
): void {
  const { network } = entry.attachment;
  const memory = draft.memory(network) ?? { subnets: [], cursors: {} };
  const subnets = [...new Set([...memory.subnets, ...addresses.map((cidr) => formatCidr(networkOf(cidr)))])];
  const chosen = memory.chosen ?? subnets[0];
  draft.begin(entry, () => ({
    addresses: leased,
    // Two containers may have been given one address by hand; the first that is found holds it.
    reserved: addresses.filter((address) => draft.holder(network, address) === undefined),
    memory: { ...memory, subnets, ...(chosen !== undefined && { chosen }) },
  }));
}
