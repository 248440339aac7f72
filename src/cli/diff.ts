const CONTEXT_LINES = 2;

/** What changed between two texts, as one hunk with a little around it; "" when nothing did. */
export function diff(before: string, after: string): string {
  if (before === after) return "";
  const old = before.split("\n");
  const now = after.split("\n");
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const from = Math.max(0, head - CONTEXT_LINES);
  const to = old.length - tail;
  return [
    ...old.slice(from, head).map((line) => `  ${line}`),
    ...old.slice(head, to).map((line) => `- ${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+ ${line}`),
    ...old.slice(to, to + CONTEXT_LINES).map((line) => `  ${line}`),
  ]
    .map((line) => line.trimEnd())
    .join("\n")
    .trimEnd();
}
