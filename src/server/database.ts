import { Database } from "bun:sqlite";
import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";

import { ensurePrivateDir, reasonOf } from "../lib/files.ts";

/** How long another process at the file is waited for: it can only be somebody looking. */
const BUSY_MS = 200;

/** What SQLite has beside its file. */
const LOGS = ["-wal", "-shm"];

export type DatabaseFile = {
  readonly path: string;
  /** Raised when rows of an earlier version cannot be read any more: such tables are dropped. */
  readonly version: number;
  /** Statements that make the tables where they are not there yet. */
  readonly tables: readonly string[];
  /** Whether a file that has missed a change is worse than none: it is removed at trouble. */
  readonly removable: boolean;
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
      return this.#attempt(action);
    } catch (error) {
      // A disk that is full, or a lock that stays.
      const ours = this.#database !== null;
      this.close();
      if (ours && this.#file.removable) removeQuietly(this.#file.path);
      this.#file.failed(reasonOf(error));
      return null;
    }
  }

  /** Damage may show only when it is read: then there is a second chance, with a new file. */
  #attempt<T>(action: (database: Database) => T): T {
    this.#database ??= openOrReplace(this.#file);
    try {
      return action(this.#database);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#database.close();
      this.#database = null;
      setAside(this.#file.path);
      this.#database = open(this.#file);
      return action(this.#database);
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
    setAside(file.path);
    return open(file);
  }
}

function setAside(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}.damaged`);
  for (const part of LOGS) rmSync(`${path}${part}`, { force: true });
}

function removeQuietly(path: string): void {
  try {
    for (const part of ["", ...LOGS]) rmSync(`${path}${part}`, { force: true });
  } catch {
    // The trouble itself is told.
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
    const written = found?.user_version ?? 0;
    if (written > version) throw new Error(`${path} was written by a newer mcpd`);
    if (written > 0 && written < version) dropTables(database);
    for (const table of tables) database.run(table);
    database.run(`PRAGMA user_version = ${version}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function dropTables(database: Database): void {
  const names = "SELECT name FROM sqlite_schema WHERE type = 'table'";
  for (const { name } of database.query<{ name: string }, []>(names).all()) {
    database.run(`DROP TABLE "${name}"`);
  }
}

/** SQLite's words for a file that is no database or has lost pages. */
function isDamaged(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT");
}
