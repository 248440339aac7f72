import { join } from "node:path";

import type { DaemonSettings } from "../core/revision.ts";
import type { Clock } from "../lib/clock.ts";
import { LogFile } from "../lib/log-file.ts";
import type { Log } from "../lib/log.ts";
import { LogRoot } from "../lib/logger.ts";
import { stderrMirror } from "../lib/mirror.ts";
import type { Platform } from "../platform/platform.ts";

const UNTIL_CONFIGURED = { bytesMax: 10_485_760, backupsMax: 5 };

/** All log files of the server: its own, and one for what each upstream prints (MISSION A16). */
export class LogBook {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #file: LogFile;
  readonly #root: LogRoot;
  readonly #upstreams = new Map<string, LogFile>();
  #limits = UNTIL_CONFIGURED;

  constructor(options: {
    readonly platform: Platform;
    readonly clock: Clock;
    readonly environment: { readonly [name: string]: string | undefined };
    /** Repeats every line on standard error. */
    readonly mirror: boolean;
  }) {
    this.#dir = options.platform.paths.logsDir;
    this.#clock = options.clock;
    this.#file = new LogFile(join(this.#dir, "server.log"), this.#limits, options.clock);
    this.#root = new LogRoot({
      settings: { level: "INFO", levels: {}, format: "text" },
      file: this.#file,
      mirror: options.mirror ? stderrMirror(options.environment) : null,
      clock: options.clock,
    });
    this.#root.hold();
  }

  /** Nobody waits for the start any more: what was said so far is written. */
  open(): void {
    this.#root.release();
  }

  logger(name: string): Log {
    return this.#root.logger(name);
  }

  /** The last words of a daemon that has met a bug of its own. */
  bug(error: unknown): void {
    this.open();
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#root.write("mcpd.server", "CRITICAL", "mcpd has a bug and ends", { error: stack });
  }

  /** Applies the log settings of a revision to everything at once. */
  configure(daemon: DaemonSettings): void {
    this.#limits = { bytesMax: daemon.logBytesMax, backupsMax: daemon.logFilesMax };
    this.#file.configure(this.#limits);
    for (const file of this.#upstreams.values()) file.configure(this.#limits);
    this.#root.configure({
      level: daemon.logLevel,
      levels: daemon.logLevels,
      format: daemon.logFormat,
    });
  }

  /** Makes files that somebody has removed anew. */
  renew(): void {
    this.#root.renew();
    for (const file of this.#upstreams.values()) file.renew();
  }

  /** Closes the files of upstreams that are no longer in the config. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, file] of this.#upstreams) {
      if (names.has(name)) continue;
      file.close();
      this.#upstreams.delete(name);
    }
  }

  /** The file for what an upstream prints on standard error. */
  upstreamFile(name: string): LogFile {
    let file = this.#upstreams.get(name);
    if (file === undefined) {
      file = new LogFile(join(this.#dir, `upstream-${name}.log`), this.#limits, this.#clock);
      this.#upstreams.set(name, file);
    }
    return file;
  }
}
