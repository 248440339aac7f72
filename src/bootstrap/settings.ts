import { watchConfig } from "../config/watch.ts";
import type { SettingsAnswer } from "../control/supervision.ts";
import type { Conditions } from "../core/condition.ts";
import { type Fault, fault } from "../core/fault.ts";
import type { DaemonSettings } from "../core/revision.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { runTool } from "../platform/run.ts";

/** Until the config has said otherwise: its own default. */
const DEFAULT_POLL_MS = 5_000;

type SettingsOptions = {
  readonly path: string;
  /** What prints a SettingsAnswer; it may make a default config only the first time. */
  readonly command: (first: boolean) => readonly string[];
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly log: Log;
  /** How far local time is ahead of UTC, as the reader knows it. */
  readonly localTime: (utcOffsetMs: number) => void;
  /** The file was read again; `current` is what is in force now. */
  readonly changed: () => void;
};

/**
 * The daemon's settings as the config has them, for a program that must stay small: the schema and
 * its libraries would double it, so another process of ours reads the file. A wrong file is a
 * condition, while the last good one stays in force (MISSION A14).
 */
export class Settings {
  readonly #options: SettingsOptions;
  #current: DaemonSettings | null = null;
  #watch: { close(): void };
  #pollMs = DEFAULT_POLL_MS;
  #reading: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(options: SettingsOptions) {
    this.#options = options;
    // Watched before it is read: a save between the two must not be missed.
    this.#watch = this.#startWatch();
  }

  /** Reads the file for the first time. The fault says why there is nothing to go by. */
  async open(): Promise<Fault | null> {
    await this.#readOnce();
    if (this.#current !== null) return null;
    return fault("internal", "Cannot read the config: our own program does not answer");
  }

  /** What is in force. Only after open(). */
  get current(): DaemonSettings {
    if (this.#current === null) throw new Error("The settings are not open");
    return this.#current;
  }

  /** Reads the file now; resolves when what it says is in force, or refused. */
  read(): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll();
    return this.#reading;
  }

  close(): void {
    this.#closed = true;
    this.#watch.close();
  }

  async #readAll(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#readOnce();
      if (!this.#closed) this.#options.changed();
    }
    this.#reading = null;
  }

  async #readOnce(): Promise<void> {
    const { conditions, log, command, localTime } = this.#options;
    const answer = parsed(await runTool(command(this.#current === null)));
    if (answer === null) return log.error("cannot read the config: our own program failed");
    localTime(answer.utcOffsetMs);
    this.#current = answer.daemon;
    this.#pollEvery(answer.daemon.configPollMs);
    if (answer.problem === null) conditions.clearName("config.invalid");
    else this.#refuse(answer.problem);
  }

  #refuse({ text, standing, hint }: NonNullable<SettingsAnswer["problem"]>): void {
    const { conditions, log, path, clock } = this.#options;
    const changed = conditions.raise({
      name: "config.invalid",
      subject: path,
      severity: "error",
      text: standing,
      hint,
      sinceMs: clock.now(),
    });
    if (changed) log.error(text);
  }

  #pollEvery(pollMs: number): void {
    if (pollMs === this.#pollMs || this.#closed) return;
    this.#pollMs = pollMs;
    this.#watch.close();
    this.#watch = this.#startWatch();
  }

  #startWatch(): { close(): void } {
    const { clock, path } = this.#options;
    return watchConfig(path, { clock, pollMs: this.#pollMs, changed: () => void this.read() });
  }
}

function parsed(output: string | null): SettingsAnswer | null {
  try {
    return output === null ? null : (JSON.parse(output) as SettingsAnswer);
  } catch {
    return null;
  }
}
