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
    const distance = editDistance(wanted, known);
    if (distance < bestDistance && distance < known.length) {
      best = candidate;
      bestDistance = distance;
    }
    if (wanted.length >= 3 && known.startsWith(wanted)) beginning ??= candidate;
  }
  return best ?? beginning;
}

/** "Did you mean ...?" with a leading space, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = suggest(word, candidates);
  return found === null ? "" : ` Did you mean "${found}"?`;
}

/**
 * Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions and
 * swaps of neighbours that turn one word into the other.
 */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped && row > 1 && column > 1) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

/** A duration for people, in at most two units: "0.4 ms", "2.5 s", "3 min 20 s", "2 d 4 h". */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 10) return `${short(durationMs)} ms`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${short(durationMs / 1000)} s`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 3600) return pair(seconds, 60, "min", 1, "s");
  if (seconds < 86_400) return pair(seconds, 3600, "h", 60, "min");
  return pair(seconds, 86_400, "d", 3600, "h");
}

/** A size for people in steps of 1024, as the config counts: "512 B", "64 KB", "12.4 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1023.95 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${short(size)} ${units[unit]}`;
}

/** A word as a POSIX shell has to be given it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The offset behind the line break that ends the line of `offset`. */
export function endOfLine(text: string, offset: number): number {
  const found = text.indexOf("\n", offset);
  return found === -1 ? text.length : found + 1;
}

export function startOfLine(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}

/** At most one digit after the point, and none when it is zero. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function pair(
  total: number,
  big: number,
  bigName: string,
  small: number,
  smallName: string,
): string {
  const count = Math.floor(total / big);
  const rest = Math.floor((total - count * big) / small);
  return rest === 0 ? `${count} ${bigName}` : `${count} ${bigName} ${rest} ${smallName}`;
}
