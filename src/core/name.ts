import { LIMITS } from "./limits.ts";

export const SEPARATOR = "__";

/** The name of an entry in the aggregate when its own name is not enough. */
export function qualify(upstream: string, name: string): string {
  return fit(`${upstream}${SEPARATOR}${name}`);
}

/** Takes a qualified name apart; null when it is not one. */
export function split(name: string): { readonly upstream: string; readonly name: string } | null {
  const at = name.indexOf(SEPARATOR);
  if (at <= 0 || at + SEPARATOR.length >= name.length) return null;
  return { upstream: name.slice(0, at), name: name.slice(at + SEPARATOR.length) };
}

/** Cuts a name that clients would refuse for its length; a hash of the whole keeps it unique. */
function fit(name: string): string {
  if (name.length <= LIMITS.nameLength) return name;
  const mark = `_${fnv1a(name).toString(16).padStart(8, "0")}`;
  return name.slice(0, LIMITS.nameLength - mark.length) + mark;
}

/** FNV-1a, 32 bits: for names only, where a collision costs a longer name and nothing else. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
