/** "UPSTREAM/NAME", or a name alone. */
export function aimOf(word: string): { readonly upstream?: string; readonly name: string } {
  const at = word.indexOf("/");
  if (at <= 0 || at === word.length - 1) return { name: word };
  return { upstream: word.slice(0, at), name: word.slice(at + 1) };
}
