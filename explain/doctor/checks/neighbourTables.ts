/** The tables of neighbours (ARP, neighbour discovery), which all namespaces of the machine share. net/core/neighbour.c */
import { errno, tolerating } from "../../../sys/errors.ts";
import { readText } from "../../../sys/files.ts";
import { type Check, type Finding, fail, ok, skipped, warn } from "../finding.ts";

const tables = {
  4: { statistics: "/proc/net/stat/arp_cache", limit: "net/ipv4/neigh/default/gc_thresh3" },
  6: { statistics: "/proc/net/stat/ndisc_cache", limit: "net/ipv6/neigh/default/gc_thresh3" },
} as const;
const nearPercent = 80;

export const neighbourTables: Check = {
  id: "neighbours",
  run({ host }) {
    const found = ([4, 6] as const).flatMap((family): Finding[] => {
      const { statistics, limit } = tables[family];
      const max = host.number(limit);
      const text = tolerating(() => readText(statistics), errno.ENOENT);
      if (max === 0 || text === undefined) return [];
      // The first number of each line of the table, one a processor, is the same: entries, in hexadecimal.
      const count = Number.parseInt(text.split("\n")[1]?.trim().split(/\s+/)[0] ?? "0", 16);
      const says = `${count} of ${max} IPv${family} neighbours are known`;
      const cure = `sysctl -w ${limit.replaceAll("/", ".")}=${4 * max} && sysctl -w ${limit.replaceAll("/", ".").replace("3", "2")}=${2 * max}`;
      if (count >= max) return [fail(`${says}: packets to further ones are dropped`, cure)];
      const isNear = count * 100 >= max * nearPercent;
      return [isNear ? warn(`${says}: when the table is full, packets are dropped`, cure) : ok(says)];
    });
    if (found.length > 0) return found;
    return [skipped("the limits of neighbours can be seen in the machine's first network namespace alone")];
  },
};
