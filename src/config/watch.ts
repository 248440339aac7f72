import { type FSWatcher, readFileSync, realpathSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";

import type { Clock, Timer } from "../lib/clock.ts";
import { sha256 } from "../lib/hash.ts";

export type WatchOptions = {
  readonly clock: Clock;
  /** Milliseconds between looks at the file, for file systems that announce nothing. */
  readonly pollMs: number;
  /**
   * The content or the rights are others, or the file came or went. Called at most once per change.
   */
  changed(): void;
};

/** Editors write in several steps: this long after the last one we look. */
const DEBOUNCE_MS = 50;
const MISSING = "missing";

/**
 * Watches one file through its directory and the directory of what it links to: a watch on the file
 * itself is lost with the first atomic save. Announcements are only hints; what counts is the hash
 * of the content, and the mode. A poll catches what no watch sees (links swapped, directories made
 * anew). Start it before the first load, so that no change falls between the two.
 */
export function watchConfig(path: string, options: WatchOptions): { close(): void } {
  const watcher = new ConfigWatcher(path, options);
  return { close: () => watcher.close() };
}

class ConfigWatcher {
  readonly #path: string;
  readonly #options: WatchOptions;
  readonly #poll: Timer;
  /** By directory; the identity tells a directory that was made anew from the one we watch. */
  readonly #directories = new Map<string, { identity: string; watcher: FSWatcher }>();
  #debounce: Timer | null = null;
  #stamp: string;
  #hash: string;
  #closed = false;

  constructor(path: string, options: WatchOptions) {
    this.#path = path;
    this.#options = options;
    this.#arm();
    this.#stamp = stampOf(path);
    this.#hash = hashOf(path);
    this.#poll = options.clock.every(options.pollMs, () => this.#check());
  }

  close(): void {
    this.#closed = true;
    this.#poll.cancel();
    this.#debounce?.cancel();
    for (const name of this.#directories.keys()) this.#disarm(name);
  }

  #hint(): void {
    if (this.#closed) return;
    this.#debounce?.cancel();
    this.#debounce = this.#options.clock.after(DEBOUNCE_MS, () => this.#check());
  }

  #check(): void {
    if (this.#closed) return;
    this.#arm();
    const stamp = stampOf(this.#path);
    if (stamp === this.#stamp) return;
    const hash = hashOf(this.#path);
    this.#stamp = stamp;
    if (hash === this.#hash) return;
    this.#hash = hash;
    this.#options.changed();
  }

  /** Watches the directories that matter now, and only those. */
  #arm(): void {
    const wanted = new Set([dirname(this.#path), dirname(realPathOf(this.#path))]);
    for (const name of this.#directories.keys()) {
      if (!wanted.has(name)) this.#disarm(name);
    }
    for (const name of wanted) {
      const identity = identityOf(name);
      if (this.#directories.get(name)?.identity === identity) continue;
      this.#disarm(name);
      if (identity !== MISSING) this.#watch(name, identity);
    }
  }

  #watch(name: string, identity: string): void {
    try {
      const watcher = watch(name, () => this.#hint());
      watcher.on("error", () => this.#disarm(name));
      this.#directories.set(name, { identity, watcher });
    } catch {
      // Gone again, or out of watches: the poll goes on and tries again.
    }
  }

  #disarm(name: string): void {
    this.#directories.get(name)?.watcher.close();
    this.#directories.delete(name);
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch {
    return MISSING;
  }
}

function hashOf(path: string): string {
  try {
    return `${sha256(readFileSync(path))} ${statSync(path).mode}`;
  } catch {
    return MISSING;
  }
}

function identityOf(directory: string): string {
  try {
    // The number of a removed directory is soon given to another one.
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true });
    return `${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return MISSING;
  }
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
