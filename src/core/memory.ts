import type { Introduction } from "./introduction.ts";
import { LIST_KINDS, type Listing, type ListKind } from "./listing.ts";
import type { Unit } from "./unit.ts";
import type { Upstream } from "./upstream.ts";

/** What is known of a unit from an earlier run: enough to answer for it before it has started. */
export type Memory = {
  readonly introduction: Introduction;
  readonly listings: Readonly<Record<ListKind, Listing>>;
};

/** What a memory belongs to: the same command or URL, in the same project. */
export function memoryKey({ hash, key, scope, upstream }: Unit): string {
  // A session's own instance is remembered for whichever session comes next.
  return `${hash} ${scope === "session" ? upstream : key}`;
}

/** What there is to remember of an upstream; null until it has told everything. */
export function memoryOf({ introduction, listings }: Upstream): Memory | null {
  if (introduction === null) return null;
  const known = LIST_KINDS.map((kind) => [kind, listings.get(kind)] as const);
  if (known.some(([, listing]) => listing === undefined)) return null;
  return { introduction, listings: Object.fromEntries(known) as Memory["listings"] };
}
