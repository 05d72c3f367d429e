/** An attachment that was found in the kernel, and how a rebuild writes its entry. */

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
  /** Undefined if no name and no process leads into it from here. */
  readonly netns: SeenNamespace | undefined;
}

/** Writes the entry and reserves its addresses. */
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
    // A person may have given two containers one address; the first one found keeps it.
    reserved: addresses.filter((address) => draft.holder(network, address) === undefined),
    memory: { ...memory, subnets, chosen },
  }));
}
