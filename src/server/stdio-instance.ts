import { join } from "node:path";

import { type Fault, fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { Ledger } from "../supervise/ledger.ts";
import { LoginPath } from "../supervise/login-path.ts";
import { Runner } from "../supervise/runner.ts";
import type { Link } from "../transport/link.ts";
import { StdioChildLink } from "../transport/stdio-child.ts";
import type { Instance, InstanceEvents } from "./instance.ts";
import type { LogBook } from "./log-book.ts";

/** Makes the instances that are processes, all on one ledger and one login PATH. */
export class StdioFactory {
  readonly #platform: Platform;
  readonly #environment: { readonly [name: string]: string | undefined };
  readonly #clock: Clock;
  readonly #book: LogBook;
  readonly #ledger: Ledger;
  readonly #loginPath: LoginPath;

  constructor(options: {
    readonly platform: Platform;
    readonly environment: { readonly [name: string]: string | undefined };
    readonly clock: Clock;
    readonly book: LogBook;
  }) {
    const { platform, environment, clock, book } = options;
    this.#platform = platform;
    this.#environment = environment;
    this.#clock = clock;
    this.#book = book;
    const log = book.logger("mcpd.supervise");
    this.#ledger = new Ledger(platform.paths.ledgerFile, platform, clock, log);
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

  create(unit: Unit, answerBytesMax: number, events: InstanceEvents): StdioInstance {
    const runner = (instance: StdioInstance): Runner =>
      new Runner(
        unit,
        {
          clock: this.#clock,
          random: Math.random,
          platform: this.#platform,
          environment: this.#environment,
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
        {
          opened(link) {
            instance.link = link;
            events.opened();
          },
          message: (text) => events.message(text),
          noise: (text) => events.noise(text),
          gone: (problem, retryInMs) => events.gone(problem, retryInMs),
          changed: () => {},
        },
      );
    return new StdioInstance(runner, events, this.#clock);
  }
}

/** An upstream that runs as a process and speaks over its pipes. */
export class StdioInstance implements Instance {
  link: Link | null = null;
  readonly #runner: Runner;
  readonly #events: InstanceEvents;
  readonly #clock: Clock;

  constructor(runner: (instance: StdioInstance) => Runner, events: InstanceEvents, clock: Clock) {
    this.#runner = runner(this);
    this.#events = events;
    this.#clock = clock;
  }

  get state(): Instance["state"] {
    return this.#runner.state.kind;
  }

  get pid(): number | null {
    return this.#runner.pid;
  }

  get restarts(): number {
    return this.#runner.restarts;
  }

  get readySinceMs(): number | null {
    return this.#runner.readySinceMs;
  }

  demand(): void {
    const problem = this.#runner.demand() ?? this.#longWait();
    if (problem !== null) this.#events.unavailable(problem);
  }

  ready(): void {
    this.#runner.ready();
  }

  refuse(problem: Fault): void {
    this.#runner.refuse(problem);
  }

  configure(unit: Unit): void {
    this.#runner.configure(unit);
    this.#runner.retry();
  }

  send(text: string): boolean {
    return this.link?.send(text) ?? false;
  }

  stop(): Promise<void> {
    return this.#runner.stop();
  }

  /** A client is told at once what it would otherwise learn after a long back-off. */
  #longWait(): Fault | null {
    const { state } = this.#runner;
    if (state.kind !== "waiting") return null;
    const waitMs = state.untilMs - this.#clock.monotonic();
    if (waitMs <= LIMITS.restartWaitMs) return null;
    const { code, text, subject } = state.problem;
    return fault(code, `${text}; next try in ${Math.ceil(waitMs / 1_000)} s`, subject);
  }
}
