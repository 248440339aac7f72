// bootstrap: the supervisor. It keeps one server alive as the config wants it, and is what a
// service manager starts. Small and dull on purpose: it speaks to no client, so nothing of theirs
// can make it hang.

import { fullGC } from "bun:jsc";
import { existsSync } from "node:fs";
import { join } from "node:path";

import type { Discovery } from "../config/discover.ts";
import type { BootstrapStatus } from "../control/supervision.ts";
import { Conditions } from "../core/condition.ts";
import { rootFault } from "../core/elevation.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { systemClock } from "../lib/clock.ts";
import { LogFile } from "../lib/log-file.ts";
import { LogRoot, type Mirror } from "../lib/logger.ts";
import { Tidy } from "../lib/tidy.ts";
import { notifier, watchdogMs } from "../platform/notify.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import { startOwnServer } from "../supervise/own-server.ts";
import { VERSION } from "../version.ts";
import { openBootstrapSocket } from "./control.ts";
import { judgeServer } from "./problems.ts";
import { makeRoom } from "./rival.ts";
import { RuntimeRecord } from "./runtime.ts";
import { Settings } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

const LOG_LIMITS = { bytesMax: 10_485_760, backupsMax: 5 };
/** How often a log that was removed is made anew. */
const LOG_LOOK_MS = 5_000;
/** A bootstrap with a bug waits so long for its server to leave in order. */
const LAST_MS = 4_000;

export type BootstrapOptions = {
  readonly platform: Platform;
  readonly environment: Environment;
  readonly config: Discovery;
  /** The program with its first words; read once, so that a replaced file does not change it. */
  readonly program: readonly string[];
  /** A service manager keeps us. */
  readonly service: boolean;
  /** Gets every line of the log as well. */
  readonly mirror: Mirror | null;
};

/** A bootstrap that supervises, until it is stopped. */
export interface RunningBootstrap {
  readonly status: BootstrapStatus;
  /** Resolves when somebody has asked for its end on the socket. */
  readonly asked: Promise<void>;
  /** Resolves when the server has gone and nothing is left behind. */
  stop(): Promise<void>;
  /** Logs a bug and ends the server; the program ends when it resolves. */
  crash(bug: unknown): Promise<void>;
}

/** Starts to supervise, or throws a FaultError that says why not. */
export async function startBootstrap(options: BootstrapOptions): Promise<RunningBootstrap> {
  const { platform, environment, config } = options;
  const refused = rootFault(platform.user, environment);
  if (refused !== null) throw new FaultError(refused);
  // A service manager would only try again and again: there it is a condition until the file comes.
  if (!options.service && config.origin !== "defaults" && !existsSync(config.path)) {
    throw new FaultError(missingConfig(config.path));
  }
  const bootstrap = new Bootstrap(options);
  await bootstrap.open();
  return bootstrap;
}

class Bootstrap implements RunningBootstrap {
  readonly asked: Promise<void>;
  readonly #options: BootstrapOptions;
  readonly #undo = new AsyncDisposableStack();
  readonly #clock = systemClock;
  readonly #startedAtMs = systemClock.now();
  readonly #conditions = new Conditions();
  readonly #root: LogRoot;
  readonly #file: LogFile;
  readonly #settings: Settings;
  readonly #supervisor: Supervisor;
  readonly #record: RuntimeRecord;
  readonly #tidy = new Tidy(systemClock, makeSmall);
  readonly #ask: () => void;
  readonly #opened = Promise.withResolvers<void>();
  #notify: (text: string) => void = () => undefined;
  /** Told by others: our own runtime would take a megabyte to know it. */
  #offsetMs: number | undefined;

  constructor(options: BootstrapOptions) {
    this.#options = options;
    const { platform, environment, program, config } = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.asked = promise;
    this.#ask = resolve;
    const clock = this.#clock;
    this.#file = new LogFile(join(platform.paths.logsDir, "bootstrap.log"), LOG_LIMITS, clock);
    this.#root = new LogRoot({
      settings: { level: "INFO", levels: {}, format: "text" },
      file: this.#file,
      mirror: options.mirror,
      clock,
      offsetMs: () => this.#offsetMs,
    });
    const log = this.#root.logger("mcpd.bootstrap");
    const named = ["--config", config.path];
    this.#settings = new Settings({
      path: config.path,
      command: (first) => [
        ...program,
        "config",
        "settings",
        ...(first && config.origin === "defaults" ? [] : named),
      ],
      conditions: this.#conditions,
      clock,
      log,
      localTime: (utcOffsetMs) => (this.#offsetMs = utcOffsetMs),
      changed: () => this.#follow(),
    });
    this.#record = new RuntimeRecord({ platform, startedAtMs: this.#startedAtMs, log });
    // Elsewhere the executable has it from its build; here it would then hold for all descendants.
    const noOrphans = platform.name === "windows" ? { BUN_FEATURE_FLAG_NO_ORPHANS: "1" } : {};
    this.#supervisor = new Supervisor({
      launch: (heard) =>
        startOwnServer({
          command: [...program, "serve", "--supervised", ...named],
          environment: { ...environment, ...noOrphans },
          heard: (message) => {
            if (message.kind === "pong") this.#offsetMs = message.utcOffsetMs;
            heard(message);
          },
        }),
      clock,
      random: Math.random,
      log,
      healthCheckMs: () => this.#settings.current.healthCheckMs,
      changed: () => this.#changed(),
    });
  }

  get status(): BootstrapStatus {
    const { server } = this.#supervisor;
    this.#judge();
    return {
      version: VERSION,
      pid: process.pid,
      startedAtMs: this.#startedAtMs,
      service: this.#options.service,
      config: { path: this.#options.config.path, enabled: this.#settings.current.enabled },
      server,
      conditions: this.#conditions.list(),
    };
  }

  async open(): Promise<void> {
    const { platform, environment } = this.#options;
    const log = this.#root.logger("mcpd.bootstrap");
    this.#undo.defer(() => this.#settings.close());
    this.#undo.defer(() => this.#tidy.stop());
    // First of all: a second bootstrap of this user stops here, before it touches even the log.
    const socket = await openBootstrapSocket({
      address: platform.paths.bootstrapAddress,
      log,
      handlers: {
        "mcpd/bootstrap": () => this.#opened.promise.then(() => this.status),
        "mcpd/apply": async () => {
          await this.#opened.promise;
          await this.#settings.read();
          return this.status;
        },
        "mcpd/restart": async () => (await this.#supervisor.restart()) ?? this.status,
        "mcpd/stop": () => {
          this.#ask();
          return {};
        },
      },
      answered: () => this.#tidy.passed(0),
    }).catch(async (error: unknown) => {
      await this.#undo.disposeAsync();
      throw error;
    });
    this.#undo.defer(() => log.info("stopped"));
    this.#undo.defer(() => socket.close());
    this.#undo.defer(() => this.#record.close());
    this.#notify = (await notifier(environment)) ?? this.#notify;
    const problem =
      (await makeRoom(platform, this.#clock, this.#options.service)) ??
      (await this.#settings.open());
    const { path } = this.#options.config;
    log.info("starting", { version: VERSION, pid: process.pid, config: path });
    if (problem !== null) {
      log.error(problem.text);
      await this.#undo.disposeAsync();
      throw new FaultError(problem);
    }
    this.#undo.defer(() => this.#supervisor.close());
    this.#configure();
    const look = this.#clock.every(LOG_LOOK_MS, () => this.#root.renew());
    this.#undo.defer(() => look.cancel());
    this.#opened.resolve();
    this.#watchdog(watchdogMs(environment, process.pid));
    // Supervising is the work: whether the server is well, or wanted at all, is its own matter.
    this.#notify("READY=1");
    this.#tidy.passed(0);
  }

  async stop(): Promise<void> {
    this.#notify("STOPPING=1");
    await this.#undo.disposeAsync();
  }

  async crash(bug: unknown): Promise<void> {
    const error = bug instanceof Error ? (bug.stack ?? bug.message) : String(bug);
    this.#root.write("mcpd.bootstrap", "CRITICAL", "mcpd has a bug and ends", { error });
    await Promise.race([this.#supervisor.close(), this.#clock.sleep(LAST_MS)]);
  }

  #watchdog(periodMs: number | null): void {
    if (periodMs === null) return;
    const beat = this.#clock.every(periodMs / 2, () => this.#notify("WATCHDOG=1"));
    this.#undo.defer(() => beat.cancel());
  }

  /** The file is another one: the server finds out for itself what is new for it. */
  #follow(): void {
    this.#supervisor.configChanged();
    this.#configure();
    this.#tidy.passed(0);
  }

  #configure(): void {
    const daemon = this.#settings.current;
    this.#supervisor.want(daemon.enabled);
    this.#file.configure({ bytesMax: daemon.logBytesMax, backupsMax: daemon.logFilesMax });
    this.#root.configure({
      level: daemon.logLevel,
      levels: daemon.logLevels,
      format: daemon.logFormat,
    });
  }

  #judge(): void {
    const { server, problem, crashes } = this.#supervisor;
    judgeServer(this.#conditions, { server, problem, crashes, atMs: this.#clock.now() });
  }

  #changed(): void {
    const { server } = this.#supervisor;
    this.#judge();
    this.#record.write(server);
    const pid = server.pid === null ? "" : `, pid ${server.pid}`;
    this.#notify(`STATUS=server ${server.state}${pid}`);
    this.#tidy.passed(0);
  }
}

/** Compiled code as well: what seldom works need not be quick. */
function makeSmall(): void {
  Bun.shrink();
  fullGC();
}

function missingConfig(path: string): Fault {
  return fault("config.unreadable", `There is no config file ${path}`, path);
}
