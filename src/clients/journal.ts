import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { hashOf, type Snapshot, snapshot } from "./files.ts";
import type { Shape } from "./shape.ts";
import { type Change, missingDirectories, removeEmpty, writeChange } from "./write.ts";

/** What is remembered of a file. */
type Kept = {
  readonly path: string;
  readonly target: string;
  readonly mode: number;
  readonly hashBefore: string | null;
  readonly hashAfter: string | null;
  /** Directories that were made for it, the innermost first. */
  readonly madeDirectories: readonly string[];
  readonly shapes: readonly Shape[];
  readonly neededBy: string | null;
  readonly undone: boolean;
};

/** One command's changes, newest last. */
export type Entry = {
  readonly id: string;
  /** The words of the command: "setup", "connect cursor". */
  readonly command: string;
  /** ISO 8601. */
  readonly at: string;
  readonly files: readonly Kept[];
};

export type Applied = {
  /** Null when nothing was written. */
  readonly id: string | null;
  readonly written: readonly string[];
  readonly failed: readonly Fault[];
};

export type Undone = {
  readonly restored: readonly string[];
  readonly failed: readonly Fault[];
  /** Changed since: left alone. */
  readonly refused: readonly Refused[];
  /** Left because a file that was not restored names them. */
  readonly needed: readonly string[];
};

/** A file that is neither what it was before the command nor what it was after. */
export type Refused = {
  readonly path: string;
  readonly shapes: readonly Shape[];
  /** As it was before the command, "" for no file. */
  readonly before: string;
  readonly expected: string;
  readonly found: string;
};

/** A file as it was before a command. */
export type Earlier = {
  readonly command: string;
  readonly bytes: Uint8Array | null;
  /** What was made for it. */
  readonly directories: readonly string[];
};

const MANIFEST = "manifest.json";

/**
 * Writes files so that it can be taken back: copies of what was there and what was written lie in a
 * directory per command. They may hold secrets, so they are the owner's alone.
 */
export class Journal {
  readonly #directory: string;
  readonly #clock: Clock;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /**
   * Writes the changes in order. A file that is read-only, or not what it was when we looked, is
   * left and named; if it is required, those before it are put back and the fault is returned.
   */
  async apply(command: string, changes: readonly Change[]): Promise<Applied | Fault> {
    return await this.#alone(() => {
      const id = this.#newId();
      const home = join(this.#directory, id);
      ensurePrivateDir(home);
      const written: Kept[] = [];
      const failed: Fault[] = [];
      for (const change of changes) {
        const kept = this.#plan(home, written.length, change);
        // Written before the file itself: whatever happens now can be undone.
        this.#save({ id, command, at: this.#now(), files: [...written, kept] });
        const problem = writeChange(change);
        if (problem === null) {
          written.push(kept);
        } else if (change.required) {
          const stuck = written.map((done, at) => this.#restore(home, done, at)).find(isFault);
          if (stuck !== undefined) return stuck;
          rmSync(home, { recursive: true, force: true });
          return problem;
        } else {
          failed.push(problem);
        }
      }
      this.#save({ id, command, at: this.#now(), files: written });
      if (written.length === 0) rmSync(home, { recursive: true, force: true });
      // A client that keeps its config in memory writes it when it likes.
      failed.push(
        ...written.filter((kept) => currentHash(kept) !== kept.hashAfter).map(overwritten),
      );
      const paths = written.map(({ path }) => path);
      return { id: written.length === 0 ? null : id, written: paths, failed };
    });
  }

  /** What can be undone, newest last. */
  list(): readonly Entry[] {
    let names: readonly string[];
    try {
      names = readdirSync(this.#directory).sort();
    } catch {
      return [];
    }
    return names
      .map((name) => readIfExists(join(this.#directory, name, MANIFEST)))
      .filter((text) => text !== null)
      .map((text) => JSON.parse(text) as Entry);
  }

  /** Puts every file back that nobody has changed since; the others are named and stay. */
  async undo(id: string): Promise<Undone | Fault> {
    return await this.#alone(() => {
      const entry = this.list().find((candidate) => candidate.id === id);
      if (entry === undefined) {
        return fault("undo.nothing", `There is no change "${id}" to undo`, id);
      }
      const home = join(this.#directory, id);
      const restored: string[] = [];
      const failed: Fault[] = [];
      const refused: Refused[] = [];
      const needed: string[] = [];
      // Backwards: who made a directory comes last, when it is empty again.
      const files = [...entry.files];
      for (const [at, kept] of [...files.entries()].toReversed()) {
        if (kept.undone) continue;
        if (isNeeded(kept)) {
          needed.push(kept.path);
          continue;
        }
        const now = snapshot(kept.path);
        const hash = isFault(now) ? "" : hashOf(now.bytes);
        if (hash === kept.hashAfter || hash === kept.hashBefore) {
          const problem = hash === kept.hashBefore ? null : this.#restore(home, kept, at);
          if (problem === null) restored.push(kept.path);
          else failed.push(problem);
          files[at] = { ...kept, undone: problem === null };
          continue;
        }
        refused.push({
          path: kept.path,
          shapes: kept.shapes,
          before: readIfExists(join(home, `${at}.before`)) ?? "",
          expected: readFileSync(join(home, `${at}.after`), "utf8"),
          found: isFault(now) || now.bytes === null ? "" : new TextDecoder().decode(now.bytes),
        });
      }
      this.#save({ ...entry, files });
      if (files.every(({ undone }) => undone)) rmSync(home, { recursive: true, force: true });
      return { restored, refused, needed, failed };
    });
  }

  /** What the file was before the newest change, if that is what it still holds. */
  before(now: Snapshot): Earlier | null {
    const hash = hashOf(now.bytes);
    for (const entry of this.list().toReversed()) {
      const at = entry.files.findIndex((kept) => kept.target === now.target && !kept.undone);
      const kept = entry.files[at];
      if (kept === undefined) continue;
      if (kept.hashAfter !== hash) return null;
      const copy = join(this.#directory, entry.id, `${at}.before`);
      const bytes = kept.hashBefore === null ? null : readFileSync(copy);
      return { bytes, command: entry.command, directories: kept.madeDirectories };
    }
    return null;
  }

  /** Files that were put back in another way need not be asked about again. */
  async settle(id: string, paths: readonly string[]): Promise<void> {
    await this.#alone(() => {
      const entry = this.list().find((candidate) => candidate.id === id);
      if (entry === undefined) return null;
      const files = entry.files.map((kept) =>
        paths.includes(kept.path) ? { ...kept, undone: true } : kept,
      );
      this.#save({ ...entry, files });
      const home = join(this.#directory, id);
      if (files.every(({ undone }) => undone)) rmSync(home, { recursive: true, force: true });
      return null;
    });
  }

  #plan(home: string, at: number, { before, after, mode, shapes, neededBy }: Change): Kept {
    if (before.bytes !== null) writeFileAtomic(join(home, `${at}.before`), before.bytes);
    writeFileAtomic(join(home, `${at}.after`), after ?? "");
    return {
      path: before.path,
      target: before.target,
      mode: before.mode ?? mode,
      hashBefore: hashOf(before.bytes),
      hashAfter: after === null ? null : hashOf(new TextEncoder().encode(after)),
      madeDirectories: missingDirectories(before.target),
      shapes: shapes ?? [],
      neededBy: neededBy ?? null,
      undone: false,
    };
  }

  /** Null when the file is what it was. */
  #restore(home: string, kept: Kept, at: number): Fault | null {
    try {
      if (kept.hashBefore === null) {
        rmSync(kept.target, { force: true });
        for (const directory of kept.madeDirectories) removeEmpty(directory);
      } else {
        const bytes = readFileSync(join(home, `${at}.before`));
        writeFileAtomic(kept.target, bytes, { mode: kept.mode });
      }
      return null;
    } catch (error) {
      const text = `Cannot restore ${kept.path}: ${reasonOf(error)}. Its copy is in ${home}`;
      return fault("file.failed", text, kept.path);
    }
  }

  #save(entry: Entry): void {
    const text = `${JSON.stringify(entry, null, 2)}\n`;
    writeFileAtomic(join(this.#directory, entry.id, MANIFEST), text);
  }

  #now(): string {
    return new Date(this.#clock.now()).toISOString();
  }

  #newId(): string {
    const stem = this.#now().replaceAll(/[-:.]/g, "");
    const taken = new Set(readdirSync(this.#directory));
    let id = stem;
    for (let number = 2; taken.has(id); number++) id = `${stem}-${number}`;
    return id;
  }

  async #alone<T>(action: () => T | Fault): Promise<T | Fault> {
    try {
      ensurePrivateDir(this.#directory);
      const lock = join(this.#directory, ".lock");
      return await withFileLock(lock, this.#clock, () => Promise.resolve(action()));
    } catch (error) {
      const text = `Cannot keep the copies that undo needs: ${reasonOf(error)}`;
      return fault("file.failed", text, this.#directory);
    }
  }
}

function currentHash({ path }: Kept): string | null {
  const now = snapshot(path);
  return isFault(now) ? null : hashOf(now.bytes);
}

/** True while the file that needs it, which comes first, still names it. */
function isNeeded({ path, neededBy }: Kept): boolean {
  if (neededBy === null) return false;
  const text = readIfExists(neededBy) ?? "";
  return text.includes(path) || text.includes(JSON.stringify(path).slice(1, -1));
}

function overwritten({ path }: Kept): Fault {
  const text = `${path} is not what was written: its client wrote it at the same moment`;
  return fault("client.changed", text, path);
}
