import { constants, Database } from "bun:sqlite";
import { chmodSync, existsSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";

import type { Clock } from "../lib/clock.ts";
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
  /** Told when the file cannot be written, with the reason, and when it can again. */
  readonly failed: (why: string) => void;
  readonly mended?: () => void;
  /** Told when all that was written is gone, with the reason; another file is begun. */
  readonly lost: (why: string) => void;
};

/** How long a file that could not be written is left alone: each attempt may wait for a lock. */
const RETRY_MS = 1_000;

/** How long a file is taken to be there, or not: looking would be a system call for each use. */
const LOOK_MS = 1_000;

/**
 * A SQLite file that is nice to have: opened when it is first used, and never trouble for more than
 * itself. A full disk or a lock is waited out; what is there can still be read. A file that is no
 * database is set aside and another begun; one of a newer mcpd is left alone, for as long as it is
 * there.
 */
export class OptionalDatabase {
  readonly #file: DatabaseFile;
  readonly #clock: Pick<Clock, "monotonic">;
  #database: Database | null = null;
  #closed = false;
  /** Since the last write that failed; null while all is well. */
  #failing: { readonly untilMs: number } | null = null;
  #found: { readonly there: boolean; readonly untilMs: number } | null = null;

  constructor(file: DatabaseFile, clock: Pick<Clock, "monotonic">) {
    this.#file = file;
    this.#clock = clock;
  }

  /** True from a write that failed until one has succeeded. */
  get failing(): boolean {
    return this.#failing !== null;
  }

  /** Reads; a file that is not there yet is not made for it. Null when there is nothing to read. */
  look<T>(action: (database: Database) => T): T | null {
    if (this.#closed) return null;
    this.letGoOfRemoved();
    if (this.#database === null && (this.#resting() || !this.#there())) return null;
    try {
      return this.#attempt(action);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /** Writes; null when that cannot be done just now. */
  use<T>(action: (database: Database) => T): T | null {
    if (this.#closed || this.#resting()) return null;
    this.letGoOfRemoved();
    // What was opened on a disk that is read-only stays so.
    if (this.#failing !== null) this.#letGo();
    try {
      const result = this.#attempt(action);
      if (this.#failing !== null) this.#file.mended?.();
      this.#failing = null;
      return result;
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  /** Lets the next write try at once. */
  hurry(): void {
    if (this.#failing !== null) this.#failing = { untilMs: 0 };
  }

  /** Somebody has removed the file: what goes into it now would be gone with this process. */
  letGoOfRemoved(): void {
    if (this.#database === null || this.#there()) return;
    this.#letGo();
    this.#file.lost("it was removed");
  }

  #resting(): boolean {
    return this.#failing !== null && this.#clock.monotonic() < this.#failing.untilMs;
  }

  #fail(error: unknown): void {
    const first = this.#failing === null;
    this.#failing = { untilMs: this.#clock.monotonic() + RETRY_MS };
    if (this.#file.removable) {
      const ours = this.#database !== null;
      this.close();
      if (ours) removeQuietly(this.#file.path);
    }
    if (first) this.#file.failed(reasonOf(error));
  }

  #there(): boolean {
    const nowMs = this.#clock.monotonic();
    if (this.#found === null || nowMs >= this.#found.untilMs) {
      this.#found = { there: existsSync(this.#file.path), untilMs: nowMs + LOOK_MS };
    }
    return this.#found.there;
  }

  /** Damage may show only when it is read: then there is a second chance, with a new file. */
  #attempt<T>(action: (database: Database) => T): T {
    try {
      return action(this.#opened());
    } catch (error) {
      if (!isDamaged(error)) throw error;
      this.#letGo();
      setAside(this.#file.path);
      this.#file.lost(`it was damaged, and is ${this.#file.path}.damaged now`);
      return action(this.#opened());
    }
  }

  #opened(): Database {
    if (this.#database !== null) return this.#database;
    ensurePrivateDir(dirname(this.#file.path));
    this.#found = null;
    return (this.#database = open(this.#file));
  }

  #letGo(): void {
    this.#database?.close();
    this.#database = null;
  }

  close(): void {
    this.#letGo();
    this.#closed = true;
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

function open({ path, version, tables, removable }: DatabaseFile): Database {
  const database = new Database(path, { create: true, strict: true });
  try {
    if ((statSync(path).mode & 0o777) !== 0o600) chmodSync(path, 0o600);
    database.run(`PRAGMA busy_timeout = ${BUSY_MS}`);
    // Safe against a crash of ours at any time; a power cut may cost the last moments.
    database.run("PRAGMA journal_mode = WAL");
    // Where it matters its logs stay when it is closed: a full disk has no room to make them anew.
    if (!removable) database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    database.run("PRAGMA synchronous = NORMAL");
    const found = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
    const written = found?.user_version ?? 0;
    if (written > version) throw new Error("it was written by a newer mcpd");
    if (written > 0 && written < version) dropTables(database);
    for (const table of tables) database.run(table);
    // A disk that is full can be read, as long as nothing is written to it.
    if (written !== version) database.run(`PRAGMA user_version = ${version}`);
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
