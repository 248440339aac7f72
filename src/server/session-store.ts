import { isObject } from "../core/envelope.ts";
import { isKeptSession, type KeptSession } from "../core/kept-session.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";
import { type DatabaseFile, OptionalDatabase } from "./database.ts";

const TABLE = "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, seen INTEGER, body TEXT)";

/** A stored session, and when it was last used (milliseconds since 1970). */
type Stored = { readonly kept: KeptSession; readonly seenMs: number };

/** A session to be stored; null to be forgotten. */
export type Row = {
  readonly id: string;
  readonly kept: KeptSession | null;
  readonly seenMs: number;
};

/**
 * The sessions of clients on disk, so that they go on after a restart, an upgrade or a crash
 * (MISSION D2). They lie under the hash of their id: the id lets its holder in, so it is no one
 * else's to read. Opened with the first session. What cannot be written just now is owed: known
 * meanwhile, and written once there is room.
 */
export class SessionStore {
  readonly #database: OptionalDatabase;

  /** By id. */
  readonly #owed = new Map<string, Row>();

  constructor(
    options: Pick<DatabaseFile, "path" | "failed" | "mended" | "lost">,
    clock: Pick<Clock, "monotonic">,
  ) {
    const file = { ...options, version: 1, tables: [TABLE], removable: false };
    this.#database = new OptionalDatabase(file, clock);
  }

  /** Takes down what has changed, all of it or nothing, and what is owed from before. */
  write(rows: readonly Row[]): void {
    for (const row of rows) this.#owed.set(row.id, row);
    if (this.#owed.size === 0 && !this.#database.failing) return this.#database.letGoOfRemoved();
    const written = this.#database.use((database) => {
      const put = database.query("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)");
      const drop = database.query("DELETE FROM sessions WHERE id = ?");
      database.transaction(() => {
        for (const { id, kept, seenMs } of this.#owed.values()) {
          const body = kept === null ? "" : JSON.stringify(kept);
          if (body === "" || body.length > LIMITS.keptSessionLength) drop.run(sha256(id));
          else put.run(sha256(id), seenMs, body);
        }
      })();
      return true;
    });
    if (written === true) this.#owed.clear();
    for (const oldest of this.#owed.keys()) {
      if (this.#owed.size <= LIMITS.keptSessions) break;
      this.#owed.delete(oldest);
    }
  }

  /** The session of an id, or null when none is kept. */
  read(id: string): Stored | null {
    const owed = this.#owed.get(id);
    if (owed !== undefined) {
      return owed.kept === null ? null : { kept: owed.kept, seenMs: owed.seenMs };
    }
    const row = this.#database.look((database) =>
      database.query("SELECT seen, body FROM sessions WHERE id = ?").get(sha256(id)),
    );
    if (!isObject(row) || typeof row["seen"] !== "number") return null;
    const kept = parse(row["body"]);
    return kept === null ? null : { kept, seenMs: row["seen"] };
  }

  /** Forgets what was last used before `seenMs`, and the oldest of more than `countMax`. */
  prune(seenMs: number, countMax: number): void {
    this.#database.use((database) => {
      database.query("DELETE FROM sessions WHERE seen < ?").run(seenMs);
      const surplus = "SELECT id FROM sessions ORDER BY seen DESC LIMIT -1 OFFSET ?";
      database.query(`DELETE FROM sessions WHERE id IN (${surplus})`).run(countMax);
    });
  }

  close(): void {
    this.#database.hurry();
    if (this.#owed.size > 0) this.write([]);
    this.#database.close();
  }
}

/** Ours, unless another hand was at the file. */
function parse(body: unknown): KeptSession | null {
  try {
    const kept: unknown = JSON.parse(String(body));
    return isKeptSession(kept) ? kept : null;
  } catch {
    return null;
  }
}
