/** Finds the word that a mistyped one may mean. */

/** Shorter words resemble too many others. */
const wordLengthMin = 3;

/** From this length on, two mistakes are recognized. */
const longWordLengthMin = 8;

/** The nearest candidate; undefined if none is near. */
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

/** True if one or two mistakes turn the known word into the written one. Case does not matter. */
export function isSlipOf(written: string, known: string): boolean {
  if (known.length < wordLengthMin) return false;
  const slips = known.length >= longWordLengthMin ? 2 : 1;
  if (Math.abs(written.length - known.length) > slips) return false;
  return distance(written.toLowerCase(), known.toLowerCase()) <= slips;
}

/** The number of letters to insert, delete, replace or swap with a neighbour to turn one word into the other. */
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
