/** Tables of iptables-legacy: whether one of them may do anything to a packet. Its rules are not evaluated. */
import { errno, tolerating } from "../../../sys/errors.ts";
import { readText } from "../../../sys/files.ts";
import { type LegacyTable, readLegacyTable } from "../../../sys/legacyTables.ts";
import { inNetns, type Netns } from "../../../sys/netns.ts";

/** Offsets in struct ipt_entry and ip6t_entry, from the end of their addresses. */
const offsets = { 4: { target: 88, next: 90 }, 6: { target: 140, next: 142 } } as const;
/** The verdict behind struct xt_entry_target, whose name is empty: -NF_ACCEPT - 1. */
const verdictAt = 32;
const accept = -2;

/** The names of the tables that have a rule, or a policy that is not ACCEPT. */
export function activeLegacyTables(netns: Netns, version: 4 | 6): string[] {
  return inNetns<string[]>(netns, () => {
    const file = `/proc/thread-self/net/ip${version === 6 ? "6" : ""}_tables_names`;
    const names = tolerating(() => readText(file), errno.ENOENT, errno.EACCES) ?? "";
    return names.split("\n").filter((name) => {
      const table = name && tolerating(() => readLegacyTable(version, name), errno.ENOENT, errno.EPERM);
      return name !== "" && (!table || !isEmpty(table, version));
    });
  });
}

function isEmpty({ validHooks, count, entries }: LegacyTable, version: 4 | 6): boolean {
  const chains = validHooks.toString(2).replaceAll("0", "").length;
  // A policy for each chain, and the entry that ends the table.
  if (count !== chains + 1) return false;
  const numbers = new DataView(entries.buffer, entries.byteOffset, entries.byteLength);
  for (let at = 0, i = 0; i < chains; i++) {
    const target = at + numbers.getUint16(at + offsets[version].target, true);
    if (numbers.getInt32(target + verdictAt, true) !== accept) return false;
    at += numbers.getUint16(at + offsets[version].next, true);
  }
  return true;
}
