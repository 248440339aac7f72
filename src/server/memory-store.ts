import { join } from "node:path";

import { isObject } from "../core/envelope.ts";
import { LIMITS } from "../core/limits.ts";
import { LIST_KINDS, listingOf } from "../core/listing.ts";
import { type Memory, memoryKey, memoryOf } from "../core/memory.ts";
import type { Unit } from "../core/unit.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import { ensurePrivateDir, readIfExists, reasonOf, writeFileAtomic } from "../lib/files.ts";
import type { Log } from "../lib/log.ts";

const VERSION = 1;

/**
 * What upstreams have said about themselves, on disk, so that the next daemon answers for them
 * before it has started any. A cache: a file that cannot be read is one that is not there.
 */
export class MemoryStore {
  readonly #dir: string;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Least lately written first. */
  readonly #memories = new Map<string, Memory>();
  #timer: Timer | null = null;

  constructor(cacheDir: string, clock: Clock, log: Log) {
    this.#dir = cacheDir;
    this.#path = join(cacheDir, "catalog.json");
    this.#clock = clock;
    this.#log = log;
    this.#load();
  }

  recall(unit: Unit): Memory | null {
    return this.#memories.get(memoryKey(unit)) ?? null;
  }

  /** Takes down what an upstream says now; written a moment later, all changes together. */
  keep(upstream: Upstream): void {
    const memory = memoryOf(upstream);
    if (memory === null || upstream.unit.reach.kind === "builtin") return;
    const key = memoryKey(upstream.unit);
    this.#memories.delete(key);
    this.#memories.set(key, memory);
    for (const oldest of this.#memories.keys()) {
      if (this.#memories.size <= LIMITS.memories) break;
      this.#memories.delete(oldest);
    }
    this.#timer ??= this.#clock.after(LIMITS.memoryDelayMs, () => this.#save());
  }

  /** Writes what has not been written yet. */
  close(): void {
    if (this.#timer !== null) this.#save();
  }

  #load(): void {
    const text = attempt(() => readIfExists(this.#path));
    const stored: unknown = attempt(() => JSON.parse(text ?? "null"));
    if (!isObject(stored) || stored["version"] !== VERSION || !isObject(stored["memories"])) return;
    for (const [key, value] of Object.entries(stored["memories"])) {
      const memory = readMemory(value);
      if (memory !== null) this.#memories.set(key, memory);
    }
  }

  #save(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const memories = Object.fromEntries(
      [...this.#memories].map(([key, { introduction, listings }]) => {
        const lists = LIST_KINDS.map((kind) => [kind, listings[kind].entries]);
        return [key, { introduction, lists: Object.fromEntries(lists) }];
      }),
    );
    try {
      ensurePrivateDir(this.#dir);
      const text = JSON.stringify({ version: VERSION, memories });
      writeFileAtomic(this.#path, text, { durable: false });
    } catch (error) {
      this.#log.warning(`Cannot write ${this.#path}: ${reasonOf(error)}`);
    }
  }
}

/** One stored memory, or null when it is not one: the file may be of another hand. */
function readMemory(value: unknown): Memory | null {
  if (!isObject(value) || !isObject(value["introduction"]) || !isObject(value["lists"]))
    return null;
  const { lists, introduction } = value;
  if (!isObject(introduction["result"]) || !isObject(introduction["capabilities"])) return null;
  const listings = LIST_KINDS.map((kind) => {
    const entries = lists[kind];
    return [kind, listingOf(Array.isArray(entries) ? entries.filter(isObject) : [])];
  });
  return {
    introduction: introduction as Memory["introduction"],
    listings: Object.fromEntries(listings) as Memory["listings"],
  };
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
