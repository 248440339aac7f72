import type { Conditions } from "../core/condition.ts";
import type { Switchboard } from "../core/switchboard.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { MemoryStore } from "./memory-store.ts";
import { ResultShelf } from "./result-shelf.ts";
import { SecretMarks } from "./secret-marks.ts";
import { SessionKeeper } from "./session-keeper.ts";

/** What a daemon leaves to the next one: all of it can be lost without harm but to speed. */
export class Stores {
  /** What upstreams have said about themselves. */
  readonly memory: MemoryStore;
  /** The sessions of clients that can come back. */
  readonly sessions: SessionKeeper;
  /** Results that may be given again. */
  readonly results: ResultShelf;
  readonly secrets: SecretMarks;

  constructor(options: {
    readonly platform: Platform;
    readonly environment: Environment;
    readonly clock: Clock;
    readonly log: Log;
    readonly conditions: Conditions;
    readonly switchboard: () => Switchboard;
    readonly sessionIdleMs: () => number;
  }) {
    const { platform, clock, log, conditions, switchboard, sessionIdleMs } = options;
    const { paths } = platform;
    this.memory = new MemoryStore(paths.cacheDir, clock, log);
    this.results = new ResultShelf(paths.cacheDir, clock, log);
    this.secrets = new SecretMarks(options);
    this.sessions = new SessionKeeper({
      dataDir: paths.dataDir,
      clock,
      log,
      conditions,
      keptOf: (session) => switchboard().kept(session),
      idleMs: sessionIdleMs,
    });
  }

  /** Writes what has not been written yet. */
  close(): void {
    this.memory.close();
    this.results.close();
    this.sessions.close();
  }
}
