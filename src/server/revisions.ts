import { type ConfigStore, standing } from "../config/store.ts";
import { watchConfig } from "../config/watch.ts";
import type { Conditions } from "../core/condition.ts";
import { type Fault, isFault } from "../core/fault.ts";
import type { Revision } from "../core/revision.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";

/** Until the config has said otherwise: its own default. */
const DEFAULT_POLL_MS = 5_000;

/** What came of reading the config. */
export type Applied = {
  readonly applied: boolean;
  readonly revision: number;
  readonly problem: string | null;
};

/**
 * From the file to the running program, one way: the file is watched, a valid text becomes the next
 * revision and is applied, a wrong one becomes a condition while the last good revision stays. Who
 * is told of changes does not watch.
 */
export class Revisions {
  readonly #store: ConfigStore;
  readonly #conditions: Conditions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #apply: (before: Revision, next: Revision) => void;
  readonly #watches: boolean;
  #current: Revision;
  #pollMs = 0;
  /** Whether this daemon is the one that writes the log. */
  #opened = false;
  #watch: { close(): void } | null;

  constructor(options: {
    readonly store: ConfigStore;
    readonly conditions: Conditions;
    readonly clock: Clock;
    readonly log: Log;
    readonly apply: (before: Revision, next: Revision) => void;
    /** False for who is told when the file is another one. */
    readonly watch: boolean;
  }) {
    this.#store = options.store;
    this.#conditions = options.conditions;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#apply = options.apply;
    this.#watches = options.watch;
    // Watched before it is read: a save between the two must not be missed.
    this.#watch = this.#startWatch(DEFAULT_POLL_MS);
    const loaded = options.store.load();
    this.#current = isFault(loaded) ? options.store.lastGood : loaded;
    if (isFault(loaded)) this.#refuse(loaded);
    else this.#accept(loaded);
    this.#pollEvery(this.#current.daemon.configPollMs);
  }

  get current(): Revision {
    return this.#current;
  }

  /** The daemon is sure to stay: what was wrong with the file so far goes into the log. */
  open(): void {
    this.#opened = true;
    for (const { name, text } of this.#conditions.list()) {
      if (name === "config.invalid") this.#log.error(text);
    }
  }

  close(): void {
    this.#watch?.close();
  }

  /** Reads the file now and applies it if it differs. */
  reload(): Applied {
    const before = this.#current;
    const loaded = this.#store.load();
    if (isFault(loaded)) {
      this.#refuse(loaded);
      return { applied: false, revision: before.number, problem: loaded.text };
    }
    this.#accept(loaded);
    this.#current = loaded;
    if (loaded.hash !== before.hash) {
      this.#log.info("config applied", { revision: loaded.number, path: loaded.path });
      this.#apply(before, loaded);
      this.#pollEvery(loaded.daemon.configPollMs);
    }
    return { applied: true, revision: loaded.number, problem: null };
  }

  #pollEvery(pollMs: number): void {
    if (pollMs === this.#pollMs) return;
    this.#watch?.close();
    this.#watch = this.#startWatch(pollMs);
  }

  #startWatch(pollMs: number): { close(): void } | null {
    this.#pollMs = pollMs;
    if (!this.#watches) return null;
    return watchConfig(this.#store.path, {
      clock: this.#clock,
      pollMs,
      changed: () => void this.reload(),
    });
  }

  #accept(revision: Revision): void {
    this.#conditions.clearName("config.invalid");
    this.#conditions.clearName("config.warning");
    for (const { path, line, column, text } of revision.warnings) {
      this.#conditions.raise({
        name: "config.warning",
        subject: path,
        severity: "info",
        text: line > 0 ? `${text} (line ${line}, column ${column})` : text,
        hint: "Run 'mcpd config validate' for the whole list.",
        sinceMs: this.#clock.now(),
      });
    }
  }

  #refuse(problem: Fault): void {
    const changed = this.#conditions.report(problem, this.#clock.now(), {
      name: "config.invalid",
      subject: this.#store.path,
      text: standing(problem, this.#current),
    });
    if (changed && this.#opened) this.#log.error(problem.text);
  }
}
