import type { Clock } from "./clock.ts";
import type { LogFile } from "./log-file.ts";
import { formatJson, formatText, type LogEntry } from "./log-format.ts";
import type { Fields, Level, Log } from "./log.ts";

export type LogSettings = {
  readonly level: Level;
  /** Level per component: "server", "server.pool", "upstream"; the longest name that fits wins. */
  readonly levels: { readonly [component: string]: Level };
  readonly format: "text" | "json";
};

/** A second place for every line, for people: standard error of a foreground run. */
export interface Mirror {
  write(line: string, level: Level): void;
}

const RANK: Readonly<Record<Level, number>> = {
  DEBUG: 10,
  INFO: 20,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
};
const NO_FIELDS: Fields = {};

/** Where all loggers of a program meet: settings that may change while it runs, file, mirror. */
export class LogRoot {
  #settings: LogSettings;
  readonly #file: LogFile | null;
  readonly #mirror: Mirror | null;
  readonly #clock: Clock;
  readonly #offsetMs: () => number | undefined;
  readonly #thresholds = new Map<string, number>();
  /** What is told later; null when each line is written at once. */
  #held: LogEntry[] | null = null;

  constructor(options: {
    readonly settings: LogSettings;
    readonly file: LogFile | null;
    readonly mirror: Mirror | null;
    readonly clock: Clock;
    /** How far local time is ahead of UTC; without it the runtime is asked. */
    readonly offsetMs?: () => number | undefined;
  }) {
    this.#settings = options.settings;
    this.#file = options.file;
    this.#mirror = options.mirror;
    this.#clock = options.clock;
    this.#offsetMs = options.offsetMs ?? (() => undefined);
  }

  /** The logger of a component, e.g. "mcpd.server". */
  logger(name: string): Log {
    return new Logger(this, name);
  }

  /** Applies new settings to every logger at once. */
  configure(settings: LogSettings): void {
    this.#settings = settings;
    this.#thresholds.clear();
  }

  /**
   * Keeps lines back until release(). The first that is written costs 4 ms, for what the runtime
   * has to know of time zones: too much for a start that somebody waits for.
   */
  hold(): void {
    this.#held ??= [];
  }

  /** Writes what was kept back, and from now on each line at once. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const entry of held) this.#emit(entry);
  }

  /** Makes a file that somebody has removed anew: called now and then, for who logs seldom. */
  renew(): void {
    if (this.#file?.renew() === true) {
      this.write("mcpd.log", "WARNING", "the log file was removed: this is a new one", NO_FIELDS);
    }
  }

  enabled(logger: string, level: Level): boolean {
    return RANK[level] >= this.#threshold(logger);
  }

  write(logger: string, level: Level, text: string, fields: Fields): void {
    if (!this.enabled(logger, level)) return;
    if (this.#held !== null) {
      this.#held.push({ atMs: this.#clock.now(), logger, level, text, fields });
      return;
    }
    const lost = this.#file?.lost ?? 0;
    if (this.#emit({ atMs: this.#clock.now(), logger, level, text, fields }) && lost > 0) {
      const note = `${lost} log lines were lost: the log file could not be written`;
      this.#emit({ atMs: this.#clock.now(), logger, level: "WARNING", text: note, fields: {} });
    }
  }

  #emit(entry: LogEntry): boolean {
    const line =
      this.#settings.format === "json" ? formatJson(entry) : formatText(entry, this.#offsetMs());
    this.#mirror?.write(line, entry.level);
    return this.#file?.write(line) ?? true;
  }

  #threshold(logger: string): number {
    let threshold = this.#thresholds.get(logger);
    if (threshold === undefined) {
      threshold = RANK[levelFor(logger, this.#settings)];
      this.#thresholds.set(logger, threshold);
    }
    return threshold;
  }
}

/** The level of a logger: that of the longest component in its name, else the default. */
export function levelFor(logger: string, settings: LogSettings): Level {
  let best = "";
  for (const component of Object.keys(settings.levels)) {
    const fits = `.${logger}.`.includes(`.${component}.`);
    if (fits && component.length > best.length) best = component;
  }
  return settings.levels[best] ?? settings.level;
}

class Logger implements Log {
  readonly #root: LogRoot;
  readonly #name: string;

  constructor(root: LogRoot, name: string) {
    this.#root = root;
    this.#name = name;
  }

  debug(text: string, fields: Fields = NO_FIELDS): void {
    this.#root.write(this.#name, "DEBUG", text, fields);
  }

  info(text: string, fields: Fields = NO_FIELDS): void {
    this.#root.write(this.#name, "INFO", text, fields);
  }

  warning(text: string, fields: Fields = NO_FIELDS): void {
    this.#root.write(this.#name, "WARNING", text, fields);
  }

  error(text: string, fields: Fields = NO_FIELDS): void {
    this.#root.write(this.#name, "ERROR", text, fields);
  }

  enabled(level: Level): boolean {
    return this.#root.enabled(this.#name, level);
  }

  child(part: string): Log {
    return new Logger(this.#root, `${this.#name}.${part}`);
  }
}
