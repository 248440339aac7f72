import { Database } from "bun:sqlite";
import { closeSync, fstatSync, openSync, rmSync, statSync } from "node:fs";

import { errorCode } from "./files.ts";

/**
 * A lock between processes: one of SQLite on an empty file. The system lets go of it when its
 * holder dies, however it dies.
 */
export class ProcessLock implements Disposable {
  readonly #path: string;
  readonly #database: Database;
  readonly #pin: number;

  private constructor(path: string, database: Database, pin: number) {
    this.#path = path;
    this.#database = database;
    this.#pin = pin;
  }

  /**
   * Null while somebody else has it. Makes the file (0600), but not its directory. Throws the
   * system's error, or that of SQLite. Not for two of one process at a time: the locks of POSIX go
   * with the first descriptor of the file that is closed.
   */
  static take(path: string): ProcessLock | null {
    // While it is open, no other file gets its number.
    const pin = openSync(path, "a", 0o600);
    const isPinned = (): boolean => inodeOf(path) === fstatSync(pin, { bigint: true }).ino;
    let database: Database | null = null;
    try {
      if (isPinned()) {
        database = new Database(path);
        // Nothing is ever written, but on a full disk there would be no room to prepare for it.
        database.run("PRAGMA journal_mode = MEMORY");
        database.run("BEGIN EXCLUSIVE");
        // Whoever had it may have removed the file: we would have locked one nobody else sees.
        if (isPinned()) return new ProcessLock(path, database, pin);
      }
    } catch (error) {
      // SQLite fails in its own ways on a file that is removed while it looks.
      if (errorCode(error) !== "SQLITE_BUSY" && isPinned()) {
        release(database, pin);
        throw error;
      }
    }
    release(database, pin);
    return null;
  }

  /** Lets go of it; the file is gone. */
  [Symbol.dispose](): void {
    // While it is held: afterwards it may be the next one's. Windows removes no open file.
    const removed = isRemoved(this.#path);
    release(this.#database, this.#pin);
    if (!removed) isRemoved(this.#path);
  }
}

/** In this order: closing the descriptor lets go of the lock. */
function release(database: Database | null, pin: number): void {
  database?.close();
  closeSync(pin);
}

function isRemoved(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}

function inodeOf(path: string): bigint | null {
  return statSync(path, { throwIfNoEntry: false, bigint: true })?.ino ?? null;
}
