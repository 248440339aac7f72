import type { Shelf } from "../../src/core/reuse.ts";

/** A shelf that forgets only what it is told to. */
export class OpenShelf implements Shelf {
  readonly kept = new Map<string, { readonly group: string; readonly result: string }>();
  /** The time to live that was asked for last. */
  ttlMs = 0;

  /** How long results are said to have been kept. */
  ageMs = 0;

  take(key: string): { readonly text: string; readonly ageMs: number } | null {
    const kept = this.kept.get(key);
    return kept === undefined ? null : { text: kept.result, ageMs: this.ageMs };
  }

  keep(key: string, group: string, result: string, ttlMs: number): void {
    this.ttlMs = ttlMs;
    this.kept.set(key, { group, result });
  }

  forget(group: string): void {
    for (const [key, kept] of this.kept) if (kept.group === group) this.kept.delete(key);
  }
}
