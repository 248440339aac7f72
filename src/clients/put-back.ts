import { type Fault, isFault } from "../core/fault.ts";
import { canonicalJson } from "../lib/hash.ts";
import type { Entry } from "./client.ts";
import { editServers, readServers } from "./document.ts";
import type { Shape } from "./shape.ts";

/** What a file said before a command, behind it, and says now. */
type Texts = { readonly before: string; readonly after: string; readonly now: string };

/**
 * The text of a file that was changed since, with its servers as they were: what a command wrote
 * goes unless somebody changed it, what it took out comes back unless the name is taken. The rest
 * stays.
 */
export function putBack(file: string, shapes: readonly Shape[], texts: Texts): string | Fault {
  let now = texts.now;
  for (const shape of shapes) {
    const edited = putListBack(file, shape, { ...texts, now });
    if (isFault(edited)) return edited;
    now = edited;
  }
  return now;
}

function putListBack(file: string, shape: Shape, texts: Texts): string | Fault {
  const before = readServers(texts.before, shape, file);
  const after = readServers(texts.after, shape, file);
  const now = readServers(texts.now, shape, file);
  if (isFault(before)) return before;
  if (isFault(after)) return after;
  if (isFault(now)) return now;
  const isOurs = (name: string): boolean => same(now.get(name), after.get(name));
  const written = [...after].filter(([name, entry]) => !same(before.get(name), entry));
  const remove = written.map(([name]) => name).filter((name) => !before.has(name) && isOurs(name));
  const set = [...before].filter(([name, entry]) => {
    if (!after.has(name)) return !now.has(name);
    return !same(after.get(name), entry) && isOurs(name);
  });
  return editServers(texts.now, shape, file, { set, remove });
}

function same(one: Entry | undefined, other: Entry | undefined): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null);
}
