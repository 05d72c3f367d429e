/** Keys of rows: an attachment's three names, and addresses as text that sorts numerically: `40a010002` for 10.1.0.2, `6fd00…01` for fd00::1. */

import type { Attachment } from "../conf/attachment.ts";
import { type Address, addressBits } from "../ip/address.ts";

export function addressKey({ family, value }: Address): string {
  return family + value.toString(16).padStart(addressBits(family) / 4, "0");
}

export function keyOf({ network, container, ifname }: Attachment): [string, string, string] {
  return [network, container, ifname];
}
