import type { Shelf } from "../../src/core/reuse.ts";

/** A shelf that forgets only what it is told to. */
export class OpenShelf implements Shelf {
  readonly kept = new Map<string, { readonly group: string; readonly result: string }>();
  /** The time to live that was asked for last. */
  ttlMs = 0;

  take(key: string): string | null {
    return this.kept.get(key)?.result ?? null;
  }

  keep(key: string, group: string, result: string, ttlMs: number): void {
    this.ttlMs = ttlMs;
    this.kept.set(key, { group, result });
  }

  forget(group: string): void {
    for (const [key, kept] of this.kept) if (kept.group === group) this.kept.delete(key);
  }
}
