import { Database } from "bun:sqlite";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { ensurePrivateDir, reasonOf } from "../lib/files.ts";

/** How long another process at the file is waited for: it can only be somebody looking. */
const BUSY_MS = 200;

export type DatabaseFile = {
  readonly path: string;
  /** Raised when rows of an earlier version cannot be read any more. */
  readonly version: number;
  /** Statements that make the tables where they are not there yet. */
  readonly tables: readonly string[];
  /** Told once when the file cannot be used any more, with the reason. */
  readonly failed: (why: string) => void;
};

/**
 * A SQLite file that is nice to have: opened when it is first used, and given up for good at the
 * first trouble. A file that is no database is set aside and another begun; one of a newer mcpd is
 * left alone.
 */
export class OptionalDatabase {
  readonly #file: DatabaseFile;
  #database: Database | null = null;
  #closed = false;

  constructor(file: DatabaseFile) {
    this.#file = file;
  }

  /** As use(), but a file that is not there yet is not made for it. */
  look<T>(action: (database: Database) => T): T | null {
    if (this.#database === null && !existsSync(this.#file.path)) return null;
    return this.use(action);
  }

  /** What `action` returns, or null when there is no database to do it with. */
  use<T>(action: (database: Database) => T): T | null {
    if (this.#closed) return null;
    try {
      this.#database ??= openOrReplace(this.#file);
      return action(this.#database);
    } catch (error) {
      // A disk that is full, or a lock that stays.
      this.close();
      this.#file.failed(reasonOf(error));
      return null;
    }
  }

  close(): void {
    this.#database?.close();
    this.#database = null;
    this.#closed = true;
  }
}

function openOrReplace(file: DatabaseFile): Database {
  ensurePrivateDir(dirname(file.path));
  try {
    return open(file);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    renameSync(file.path, `${file.path}.damaged`);
    for (const part of ["-wal", "-shm"]) rmSync(`${file.path}${part}`, { force: true });
    return open(file);
  }
}

function open({ path, version, tables }: DatabaseFile): Database {
  const database = new Database(path, { create: true, strict: true });
  try {
    chmodSync(path, 0o600);
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Safe against a crash of ours at any time; a power cut may cost the last moments.
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = NORMAL");
    const found = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
    if ((found?.user_version ?? 0) > version) {
      throw new Error(`${path} was written by a newer mcpd`);
    }
    for (const table of tables) database.run(table);
    database.run(`PRAGMA user_version = ${version}`);
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
