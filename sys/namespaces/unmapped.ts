/** Users without a number in this user namespace (user_namespaces(7)). */
import { readFileSync } from "node:fs";
import { statusIfThere } from "../files.ts";

/** True if the owner of the file has none: the kernel shows the overflow user instead. */
export function isOfUnmappedUser(path: string): boolean {
  const owner = statusIfThere(path)?.uid;
  if (owner === undefined || owner === 0 || owner !== Number(readFileSync("/proc/sys/kernel/overflowuid", "utf8")))
    return false;
  const ranges = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return !ranges.some((range) => {
    const [first = 0, , count = 0] = range.trim().split(/\s+/).map(Number);
    return owner >= first && owner < first + count;
  });
}
