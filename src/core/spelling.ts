/**
 * The candidate a mistyped word most likely meant, or null when none is near. Case, "-" and "_" do
 * not count, one slip in three letters is forgiven, and a word may be a candidate's beginning.
 */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  const wanted = plain(word);
  if (wanted === "") return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let beginning: string | null = null;
  for (const candidate of candidates) {
    const known = plain(candidate);
    const distance = typos(wanted, known, bestDistance);
    if (distance < bestDistance && distance < known.length) {
      best = candidate;
      bestDistance = distance;
    }
    if (wanted.length >= 3 && known.startsWith(wanted)) beginning ??= candidate;
  }
  return best ?? beginning;
}

/** The end of a sentence and the question behind it, or nothing: `. Did you mean "port"?` */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = suggest(word, candidates);
  return found === null ? "" : `. Did you mean "${found}"?`;
}

/**
 * How many letters are wrong, missing, too many or swapped with their neighbour, up to `most`; more
 * than that is `most` + 1 (optimal string alignment).
 */
export function typos(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return Math.min(last[b.length] ?? 0, most + 1);
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}
