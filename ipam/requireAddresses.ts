/**
 * The part of CHECK that all kinds share: compares the addresses in the entry with those that the attachment should
 * have.
 */
import { type Attachment, attachmentText } from "../conf/attachment.ts";
import { code, Fault } from "../conf/fault.ts";
import type { LeasedAddress } from "../store/entry.ts";

/** Throws Fault (code 101) if there is no lease or its addresses are not exactly `expected` (CIDR, any order). */
export function requireAddresses(
  attachment: Attachment,
  found: readonly LeasedAddress[] | undefined,
  expected: readonly string[],
): void {
  const have = found?.map(({ address }) => address).sort();
  const want = [...expected].sort();
  if (have !== undefined && have.length === want.length && have.every((address, i) => address === want[i])) return;
  throw new Fault(
    code.checkFailed,
    `Lease of ${attachmentText(attachment)}: expected ${list(want)}, found ${have === undefined ? "no lease" : list(have)}`,
    "Delete the container and create it again",
  );
}

function list(addresses: readonly string[]): string {
  return addresses.length === 0 ? "no address" : addresses.join(" and ");
}
