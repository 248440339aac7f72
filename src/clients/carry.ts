import { type Fault, isFault } from "../core/fault.ts";
import { canonicalJson } from "../lib/hash.ts";
import type { Entry } from "./client.ts";
import { editServers, readServers } from "./document.ts";
import type { Shape } from "./shape.ts";

/** Two states of a file, and what it says now that somebody else has written it. */
type Texts = { readonly from: string; readonly to: string; readonly now: string };

/**
 * The text of now with its servers changed as they are between two states: what is only in the
 * first goes unless somebody changed it, what is only in the second comes unless the name is taken.
 * The rest stays.
 */
export function carryOver(file: string, shapes: readonly Shape[], texts: Texts): string | Fault {
  let { now } = texts;
  for (const shape of shapes) {
    const edited = carryList(file, shape, { ...texts, now });
    if (isFault(edited)) return edited;
    now = edited;
  }
  return now;
}

function carryList(file: string, shape: Shape, texts: Texts): string | Fault {
  const from = readServers(texts.from, shape, file);
  const to = readServers(texts.to, shape, file);
  const now = readServers(texts.now, shape, file);
  if (isFault(from)) return from;
  if (isFault(to)) return to;
  if (isFault(now)) return now;
  const isUntouched = (name: string): boolean => same(now.get(name), from.get(name));
  const remove = [...from.keys()].filter((name) => !to.has(name) && isUntouched(name));
  const set = [...to].filter(([name, entry]) => !same(from.get(name), entry) && isUntouched(name));
  return editServers(texts.now, shape, file, { set, remove });
}

function same(one: Entry | undefined, other: Entry | undefined): boolean {
  return canonicalJson(one ?? null) === canonicalJson(other ?? null);
}
