import { Database } from "bun:sqlite";
import { renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { isObject } from "../core/envelope.ts";
import type { KeptSession } from "../core/kept-session.ts";
import { ensurePrivateDir, reasonOf } from "../lib/files.ts";
import { sha256 } from "../lib/hash.ts";

/** Raised when rows of an earlier version cannot be read any more. */
const SCHEMA = 1;
/** How long another process at the file is waited for: it can only be somebody looking. */
const BUSY_MS = 200;

/** Where sessions are kept, and how it is told that they are not. */
export type SessionStoreOptions = {
  readonly path: string;
  /** Once, when sessions cannot be kept, with the reason. */
  readonly failed: (why: string) => void;
};

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
 * else's to read. Opened with the first session; what goes wrong with the file costs persistence,
 * never the daemon.
 */
export class SessionStore {
  readonly #options: SessionStoreOptions;
  #database: Database | null = null;
  #broken = false;

  constructor(options: SessionStoreOptions) {
    this.#options = options;
  }

  /** Takes down what has changed, all of it or nothing. */
  write(rows: readonly Row[]): void {
    this.#use((database) => {
      const put = database.query("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)");
      const drop = database.query("DELETE FROM sessions WHERE id = ?");
      database.transaction(() => {
        for (const { id, kept, seenMs } of rows) {
          if (kept === null) drop.run(sha256(id));
          else put.run(sha256(id), seenMs, JSON.stringify(kept));
        }
      })();
    });
  }

  /** The session of an id, or null when none is kept. */
  read(id: string): Stored | null {
    const row = this.#use((database) =>
      database.query("SELECT seen, body FROM sessions WHERE id = ?").get(sha256(id)),
    );
    if (!isObject(row) || typeof row["seen"] !== "number") return null;
    const kept = parse(row["body"]);
    return kept === null ? null : { kept, seenMs: row["seen"] };
  }

  /** Forgets what was last used before `seenMs`, and the oldest of more than `countMax`. */
  prune(seenMs: number, countMax: number): void {
    this.#use((database) => {
      database.query("DELETE FROM sessions WHERE seen < ?").run(seenMs);
      const surplus = "SELECT id FROM sessions ORDER BY seen DESC LIMIT -1 OFFSET ?";
      database.query(`DELETE FROM sessions WHERE id IN (${surplus})`).run(countMax);
    });
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
    this.#broken = true;
  }

  #use<T>(action: (database: Database) => T): T | null {
    if (this.#broken) return null;
    try {
      this.#database ??= this.#open();
      return action(this.#database);
    } catch (error) {
      // A disk that is full or a lock that stays: sessions live on in memory.
      this.#fail(reasonOf(error));
      return null;
    }
  }

  #fail(why: string): void {
    this.close();
    this.#options.failed(why);
  }

  /** A file that is no database, or not one of ours, is set aside once and another begun. */
  #open(): Database {
    const { path } = this.#options;
    ensurePrivateDir(dirname(path));
    try {
      return openDatabase(path);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      renameSync(path, `${path}.damaged`);
      for (const part of ["-wal", "-shm"]) rmSync(`${path}${part}`, { force: true });
      return openDatabase(path);
    }
  }
}

function openDatabase(path: string): Database {
  const database = new Database(path, { create: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Safe against a crash of ours at any time; a power cut may cost the last moments.
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = NORMAL");
    const version = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
    const found = version?.user_version ?? 0;
    if (found > SCHEMA) throw new Error(`${path} was written by a newer mcpd`);
    database.run(
      "CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, seen INTEGER, body TEXT)",
    );
    database.run(`PRAGMA user_version = ${SCHEMA}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite's words for a file that is no database or has lost pages. */
function isDamaged(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT");
}

/** Ours, unless another hand was at the file. */
function parse(body: unknown): KeptSession | null {
  try {
    const kept: unknown = JSON.parse(String(body));
    return isObject(kept) && isObject(kept["view"]) ? (kept as KeptSession) : null;
  } catch {
    return null;
  }
}
