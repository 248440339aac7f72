import { join } from "node:path";

import { LIMITS } from "../core/limits.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";
import type { DriverEvents } from "../supervise/driver.ts";
import { Ledger } from "../supervise/ledger.ts";
import { LoginPath } from "../supervise/login-path.ts";
import { Runner, type RunnerDeps } from "../supervise/runner.ts";
import { StdioChildLink } from "../transport/stdio-child.ts";
import { DrivenInstance } from "./driven-instance.ts";
import type { Instance, InstanceEvents } from "./instance.ts";
import type { LogBook } from "./log-book.ts";

type StdioOptions = {
  readonly platform: Platform;
  readonly environment: { readonly [name: string]: string | undefined };
  /** The variable of the environment that holds the API key: not for upstreams. */
  readonly keyVariable: () => string;
  readonly clock: Clock;
  readonly book: LogBook;
  /** Leaves the ledger to the daemon that may run beside us. */
  readonly alone: boolean;
};

/** Makes the instances that are processes, all on one ledger and one login PATH. */
export class StdioFactory {
  readonly #options: StdioOptions;
  readonly #ledger: Ledger;
  readonly #loginPath: LoginPath;

  constructor(options: StdioOptions) {
    this.#options = options;
    const { platform, environment, clock, book } = options;
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
    const { book, clock } = this.#options;
    const limits = { lineBytesMax: answerBytesMax, queueBytesMax: LIMITS.upstreamQueueBytes };
    const deps: RunnerDeps = {
      ...this.#options,
      random: Math.random,
      loginPath: this.#loginPath,
      ledger: this.#ledger,
      log: book.logger("mcpd.supervise"),
      stderr: book.upstreamFile(unit.upstream),
      openLink: (child, linkEvents) => new StdioChildLink(child, linkEvents, limits, clock),
    };
    const drive = (driverEvents: DriverEvents): Runner => new Runner(unit, deps, driverEvents);
    return new DrivenInstance(drive, events, clock);
  }
}
