import { join } from "node:path";

import { LIMITS } from "../core/limits.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";
import type { DriverEvents } from "../supervise/driver.ts";
import { Ledger } from "../supervise/ledger.ts";
import { LoginPath } from "../supervise/login-path.ts";
import { Runner } from "../supervise/runner.ts";
import { StdioChildLink } from "../transport/stdio-child.ts";
import { DrivenInstance } from "./driven-instance.ts";
import type { Instance, InstanceEvents } from "./instance.ts";
import type { LogBook } from "./log-book.ts";

/** Makes the instances that are processes, all on one ledger and one login PATH. */
export class StdioFactory {
  readonly #platform: Platform;
  readonly #environment: { readonly [name: string]: string | undefined };
  readonly #keyVariable: () => string;
  readonly #clock: Clock;
  readonly #book: LogBook;
  readonly #ledger: Ledger;
  readonly #loginPath: LoginPath;

  constructor(options: {
    readonly platform: Platform;
    readonly environment: { readonly [name: string]: string | undefined };
    /** The variable of the environment that holds the API key: not for upstreams. */
    readonly keyVariable: () => string;
    readonly clock: Clock;
    readonly book: LogBook;
    /** Leaves the ledger to the daemon that may run beside us. */
    readonly alone: boolean;
  }) {
    const { platform, environment, clock, book } = options;
    this.#platform = platform;
    this.#environment = environment;
    this.#keyVariable = options.keyVariable;
    this.#clock = clock;
    this.#book = book;
    const log = book.logger("mcpd.supervise");
    const ledgerFile = options.alone ? null : platform.paths.ledgerFile;
    this.#ledger = new Ledger(ledgerFile, platform, clock, log);
    this.#loginPath = new LoginPath({
      platform,
      environment,
      cacheFile: join(platform.paths.dataDir, "login-path"),
      log,
    });
  }

  /** Ends what an earlier daemon that was killed has left behind. */
  async sweep(): Promise<void> {
    await this.#ledger.sweep();
  }

  /** Ends every process at once: the daemon itself is about to end. */
  async endAll(): Promise<void> {
    await this.#ledger.endAll();
  }

  create(unit: Unit, answerBytesMax: () => number, events: InstanceEvents): Instance {
    const drive = (driverEvents: DriverEvents): Runner =>
      new Runner(
        unit,
        {
          clock: this.#clock,
          random: Math.random,
          platform: this.#platform,
          environment: this.#environment,
          keyVariable: this.#keyVariable,
          loginPath: this.#loginPath,
          ledger: this.#ledger,
          log: this.#book.logger("mcpd.supervise"),
          stderr: this.#book.upstreamFile(unit.upstream),
          openLink: (child, linkEvents) =>
            new StdioChildLink(
              child,
              linkEvents,
              { lineBytesMax: answerBytesMax, queueBytesMax: LIMITS.upstreamQueueBytes },
              this.#clock,
            ),
        },
        driverEvents,
      );
    return new DrivenInstance(drive, events, this.#clock);
  }
}
