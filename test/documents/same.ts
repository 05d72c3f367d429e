/** Compares the output of two runs: what differs from run to run by nature is not looked at. */

/** Replaced before the comparison, in this order. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/(?<=rtt min\/avg\/max\/mdev = ).*/g, "N"],
  [/\b(?!0a:58:|00:00:|ff:ff:)[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, "MAC"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "TIME"],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, "TIME"],
  [/\b\d+(?:\.\d+)? ?(ms|µs|s)\b/g, "N $1"],
  [/\b(process|pid|PID)([ :=]+)\d+/g, "$1$2N"],
  [/\b40\d{8}\b/g, "INODE"],
  [/\bfe80::[0-9a-f:]+/g, "fe80::N"],
  [/@if\d+/g, "@ifN"],
  [/\becho (request|reply) \d+/g, "echo $1 N"],
  // A link that was just brought up has its carrier within a second.
  [/\bNO-CARRIER,| linkdown\b/g, ""],
  [/\bstate (?:disabled|forwarding)\b/g, "state N"],
  [/[ \t]+/g, " "],
];

const fixed = (output: string) =>
  varying
    .reduce((text, [pattern, word]) => text.replace(pattern, word), output)
    .replace(/ +$/gm, "")
    .trim();

/** `...` on a line of its own in `shown` stands for any lines. */
export function isSame(shown: string, printed: string): boolean {
  if (!/^\.\.\.$/m.test(shown)) return fixed(shown) === fixed(printed);
  const parts = shown.split(/^\.\.\.$/m).map((part) => escaped(fixed(part)));
  return new RegExp(`^${parts.join("[\\s\\S]*")}$`).test(fixed(printed));
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
