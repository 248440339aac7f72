import { join } from "node:path";

import { LRUCache } from "lru-cache";

import { isObject } from "../core/envelope.ts";
import { parseJson } from "../core/json.ts";
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

/** What is asked often comes before the body, which lies on other pages. */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS results
    (key TEXT PRIMARY KEY, origin TEXT, fromMs INTEGER, untilMs INTEGER, size INTEGER, body TEXT)
    WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS origins ON results (origin)",
];

type Kept = {
  readonly group: string;
  readonly result: string;
  /** When it was kept, and until when it is good (milliseconds since 1970). */
  readonly fromMs: number;
  readonly untilMs: number;
};

/** Groups that are known to be empty: instances of sessions come and go. */
const EMPTY_MAX = 1_000;

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
  /** Groups of which nothing is kept, since they were forgotten. */
  readonly #empty = new Set<string>();
  #soon: Timer | null = null;

  constructor(cacheDir: string, clock: Clock, log: Log) {
    this.#clock = clock;
    const path = join(cacheDir, "results.db");
    const failed = (why: string): void => log.warning(`Results are kept in memory only: ${why}`);
    const lost = (why: string): void => log.warning(`Kept results are lost with ${path}: ${why}`);
    // A file that could not be told to forget would give what has changed to the next daemon.
    const file = { path, version: 2, tables: TABLES, removable: true, failed, lost };
    this.#database = new OptionalDatabase(file, clock);
  }

  take(key: string): { readonly text: string; readonly ageMs: number } | null {
    const hash = sha256(key);
    const kept = this.#memory.get(hash) ?? this.#fromDisk(hash);
    if (kept === null) return null;
    const ageMs = this.#clock.now() - kept.fromMs;
    // A clock that was set back would make it good for longer than was said.
    if (ageMs >= 0 && kept.untilMs > this.#clock.now()) return { text: kept.result, ageMs };
    this.#memory.delete(hash);
    return null;
  }

  keep(key: string, group: string, result: string, ttlMs: number): void {
    const hash = sha256(key);
    const fromMs = this.#clock.now();
    const kept = { group, result, fromMs, untilMs: fromMs + ttlMs };
    this.#empty.delete(group);
    this.#memory.set(hash, kept);
    if (ttlMs < DISK_TTL_MS) return;
    this.#unwritten.set(hash, kept);
    this.#soon ??= this.#clock.after(WRITE_DELAY_MS, () => this.#write());
  }

  forget(group: string): void {
    // A server may announce changes all the time.
    if (this.#empty.has(group)) return;
    if (this.#empty.size >= EMPTY_MAX) this.#empty.clear();
    this.#empty.add(group);
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
    const sums = "SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM results";
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
      database.query("SELECT origin, fromMs, untilMs, body FROM results WHERE key = ?").get(hash),
    );
    if (!isObject(row) || !isResult(row["body"])) return null;
    const [fromMs, untilMs] = [Number(row["fromMs"]), Number(row["untilMs"])];
    const kept = { group: String(row["origin"]), result: row["body"], fromMs, untilMs };
    this.#empty.delete(kept.group);
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
      const put = database.query("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?)");
      database.transaction(() => {
        for (const [hash, { group, result, fromMs, untilMs }] of rows) {
          put.run(hash, group, fromMs, untilMs, result.length, result);
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

/** What goes out as it is has to be JSON, whatever has happened to the file. */
function isResult(body: unknown): body is string {
  try {
    return typeof body === "string" && isObject(parseJson(body));
  } catch {
    return false;
  }
}
