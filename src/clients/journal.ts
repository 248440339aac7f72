import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { withFileLock } from "../lib/file-lock.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import { hashOf, type Snapshot, snapshot } from "./files.ts";
import type { Applied, Earlier, Entry, Kept, Refused, Undone } from "./kept.ts";
import {
  type Change,
  changed,
  isLost,
  missingDirectories,
  rebased,
  removeEmpty,
  writeChange,
} from "./write.ts";

const MANIFEST = "manifest.json";
/** A client writes a few times in a row and then rests. */
const ATTEMPTS_MAX = 10;
const PAUSE_MS = 30;

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
   * Writes the changes in order. A file that its client writes at the same moment gets its servers
   * changed as the client has them now. One that is read-only, or still changes, is left and named;
   * if it is required, those before it are put back and the fault is returned.
   */
  async apply(command: string, changes: readonly Change[]): Promise<Applied | Fault> {
    return await this.#alone(async () => {
      const id = this.#newId();
      const home = join(this.#directory, id);
      ensurePrivateDir(home);
      const written: Kept[] = [];
      const done: Change[] = [];
      const failed: Fault[] = [];
      const save = (files: readonly Kept[]): void =>
        this.#save({ id, command, at: this.#now(), files });
      for (const change of changes) {
        const at = written.length;
        const made = await this.#write(home, at, change, (kept) => save([...written, kept]));
        if (!isFault(made)) {
          written.push(made.kept);
          done.push(made.change);
        } else if (change.required) {
          const stuck = written.map((kept, nth) => this.#restore(home, kept, nth)).find(isFault);
          if (stuck !== undefined) return stuck;
          rmSync(home, { recursive: true, force: true });
          return made;
        } else {
          failed.push(made);
        }
      }
      // A client may have read a file before us, and written it behind us.
      for (const [at, change] of done.entries()) {
        const again = isLost(change) ? rebased(change) : null;
        if (again === null) continue;
        const made = await this.#write(home, at, again, (kept) => save(written.with(at, kept)));
        if (isFault(made)) continue;
        written[at] = made.kept;
        done[at] = made.change;
      }
      save(written);
      if (written.length === 0) rmSync(home, { recursive: true, force: true });
      // A client that keeps its config in memory writes it when it likes.
      failed.push(...done.filter(isLost).map(overwritten));
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

  /** Tries again for as long as the client writes the file, too, within limits. */
  async #write(
    home: string,
    at: number,
    wanted: Change,
    save: (kept: Kept) => void,
  ): Promise<{ readonly kept: Kept; readonly change: Change } | Fault> {
    let change = wanted;
    for (let left = ATTEMPTS_MAX; ; left--) {
      const kept = this.#plan(home, at, change);
      // Written before the file itself: whatever happens now can be undone.
      save(kept);
      const problem = writeChange(change);
      const isOvertaken = problem === null ? isLost(change) : problem.code === "client.changed";
      if (isOvertaken) await this.#clock.sleep(PAUSE_MS);
      const next = isOvertaken && left > 1 ? rebased(change) : null;
      if (next === null) return problem ?? { kept, change };
      change = next;
    }
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
        const isDue = (): boolean => currentHash(kept) === kept.hashAfter;
        const isBack = writeFileAtomic(kept.target, bytes, { mode: kept.mode, isDue });
        if (!isBack) return changed(kept);
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

  async #alone<T>(action: () => T | Fault | Promise<T | Fault>): Promise<T | Fault> {
    try {
      ensurePrivateDir(this.#directory);
      const lock = join(this.#directory, ".lock");
      return await withFileLock(lock, this.#clock, async () => await action());
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

function overwritten({ before: { path } }: Change): Fault {
  const text = `${path} is not what was written: its client wrote it at the same moment`;
  return fault("client.changed", text, path);
}
