/** What somebody may have meant who mistyped a word. */

/** Shorter words are too close to too many words. */
const wordLengthMin = 3;

/** From this length on two slips of the pen are still recognised. */
const longWordLengthMin = 8;

/** The candidate that is nearest to a word, if one is near. */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (!isSlipOf(written, candidate)) continue;
    const slips = distance(written.toLowerCase(), candidate.toLowerCase());
    if (slips < least) [best, least] = [candidate, slips];
  }
  return best;
}

/** True when one or two slips of the pen make the known word of the written one, whatever their case. */
export function isSlipOf(written: string, known: string): boolean {
  if (known.length < wordLengthMin) return false;
  const slips = known.length >= longWordLengthMin ? 2 : 1;
  if (Math.abs(written.length - known.length) > slips) return false;
  return distance(written.toLowerCase(), known.toLowerCase()) <= slips;
}

/** How many letters must be added, left out, replaced or swapped with their neighbour to make one word the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          rows[i - 1]![j]! + 1,
          row[j - 1]! + 1,
          rows[i - 1]![j - 1]! + same,
          swapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
