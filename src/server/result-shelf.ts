import { join } from "node:path";

import { LRUCache } from "lru-cache";

import { isObject } from "../core/envelope.ts";
import { LIMITS } from "../core/limits.ts";
import type { Shelf } from "../core/reuse.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import type { Log } from "../lib/log.ts";
import { OptionalDatabase } from "./database.ts";

/** A result that is good for less is gone before the next daemon could use it. */
const DISK_TTL_MS = 60_000;
/** Results are written together, this long after the first. */
const WRITE_DELAY_MS = 250;

const TABLE = `CREATE TABLE IF NOT EXISTS results
  (key TEXT PRIMARY KEY, origin TEXT, untilMs INTEGER, body TEXT) WITHOUT ROWID`;

type Kept = { readonly group: string; readonly result: string; readonly untilMs: number };

/** How full the shelf is. */
export type ShelfSize = { readonly entries: number; readonly bytes: number };

/**
 * Kept results in two tiers: memory, least lately used out first, and a file for those that are
 * good for long, so that a daemon that has just started has them too. Bounded in bytes, both.
 */
export class ResultShelf implements Shelf {
  readonly #clock: Clock;
  readonly #database: OptionalDatabase;
  readonly #memory = new LRUCache<string, Kept>({
    maxSize: LIMITS.reuseBytes,
    maxEntrySize: LIMITS.reuseBytes,
    sizeCalculation: ({ result, group }) => 2 * (result.length + group.length) + 256,
  });
  /** Not on the disk yet, by key. */
  readonly #unwritten = new Map<string, Kept>();
  #soon: Timer | null = null;

  constructor(cacheDir: string, clock: Clock, log: Log) {
    this.#clock = clock;
    const path = join(cacheDir, "results.db");
    const failed = (why: string): void => log.warning(`Results are kept in memory only: ${why}`);
    this.#database = new OptionalDatabase({ path, version: 1, tables: [TABLE], failed });
  }

  take(key: string): string | null {
    const hash = sha256(key);
    const kept = this.#memory.get(hash) ?? this.#fromDisk(hash);
    if (kept === null) return null;
    if (kept.untilMs > this.#clock.now()) return kept.result;
    this.#memory.delete(hash);
    return null;
  }

  keep(key: string, group: string, result: string, ttlMs: number): void {
    const hash = sha256(key);
    const kept = { group, result, untilMs: this.#clock.now() + ttlMs };
    this.#memory.set(hash, kept);
    if (ttlMs < DISK_TTL_MS) return;
    this.#unwritten.set(hash, kept);
    this.#soon ??= this.#clock.after(WRITE_DELAY_MS, () => this.#write());
  }

  forget(group: string): void {
    for (const [hash, kept] of this.#memory.entries()) {
      if (kept.group === group) this.#memory.delete(hash);
    }
    for (const [hash, kept] of this.#unwritten) {
      if (kept.group === group) this.#unwritten.delete(hash);
    }
    this.#database.look((database) =>
      database.query("DELETE FROM results WHERE origin = ?").run(group),
    );
  }

  get memory(): ShelfSize {
    return { entries: this.#memory.size, bytes: this.#memory.calculatedSize };
  }

  get disk(): ShelfSize {
    const sums = "SELECT count(*) AS entries, coalesce(sum(length(body)), 0) AS bytes FROM results";
    const row = this.#database.look((database) => database.query(sums).get());
    if (!isObject(row)) return { entries: 0, bytes: 0 };
    return { entries: Number(row["entries"]), bytes: Number(row["bytes"]) };
  }

  close(): void {
    this.#write();
    this.#database.close();
  }

  #fromDisk(hash: string): Kept | null {
    const row = this.#database.look((database) =>
      database.query("SELECT origin, untilMs, body FROM results WHERE key = ?").get(hash),
    );
    if (!isObject(row)) return null;
    const untilMs = Number(row["untilMs"]);
    const kept = { group: String(row["origin"]), result: String(row["body"]), untilMs };
    this.#memory.set(hash, kept);
    return kept;
  }

  #write(): void {
    this.#soon?.cancel();
    this.#soon = null;
    if (this.#unwritten.size === 0) return;
    const rows = [...this.#unwritten];
    this.#unwritten.clear();
    this.#database.use((database) => {
      const put = database.query("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)");
      database.transaction(() => {
        for (const [hash, { group, result, untilMs }] of rows) {
          put.run(hash, group, untilMs, result);
        }
        database.query("DELETE FROM results WHERE untilMs < ?").run(this.#clock.now());
      })();
    });
    this.#makeRoom();
  }

  /** Those that are good for the shortest time go first. */
  #makeRoom(): void {
    while (this.disk.bytes > LIMITS.reuseDiskBytes) {
      const first = "SELECT key FROM results ORDER BY untilMs LIMIT 64";
      this.#database.use((database) =>
        database.query(`DELETE FROM results WHERE key IN (${first})`).run(),
      );
    }
  }
}
