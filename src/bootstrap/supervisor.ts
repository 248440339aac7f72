import type { FromServer, SupervisedServer } from "../control/supervision.ts";
import { type Fault, fault } from "../core/fault.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { ServerProcess } from "../supervise/own-server.ts";
import { Health } from "./health.ts";
import { Life, type LifeEffect } from "./life.ts";

/** A server that has not said within this time that it serves is started again. */
const START_MS = 30_000;
/** A server that is to stop and has not is killed: shorter than the service managers' own wait. */
const STOP_MS = 15_000;

type SupervisorOptions = {
  readonly launch: (heard: (message: FromServer) => void) => ServerProcess;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly healthCheckMs: () => number;
  /** Something of what server() shows is another. */
  readonly changed: () => void;
};

/** Keeps one server process alive, or away, as the config wants it. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #life = new Life();
  readonly #health: Health;
  /** Whoever waits until the server has come to rest: ready, waiting or disabled. */
  readonly #waiting = new Set<() => void>();
  #process: ServerProcess | null = null;
  /** Of the start, the stop or the pause: there is never more than one. */
  #timer: Timer | null = null;
  #ready: Extract<FromServer, { kind: "ready" }> | null = null;
  #urls: SupervisedServer["urls"] = null;
  #lastExit: string | null = null;
  /** Why we ended it, where it would only say "killed". */
  #verdict: string | null = null;
  #problem: Fault | null = null;
  #closed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#health = new Health({
      clock: options.clock,
      intervalMs: options.healthCheckMs,
      ping: (id) => this.#process?.send({ kind: "ping", id }),
      hung: (limitMs) => this.#end(`it hung: no answer within ${limitMs / 1000} s`),
    });
  }

  get server(): SupervisedServer {
    return {
      state: this.#life.state,
      pid: this.#process?.pid ?? null,
      version: this.#ready?.version ?? null,
      urls: this.#urls,
      restarts: this.#life.restarts,
      lastExit: this.#lastExit,
    };
  }

  /** Why the server said it cannot start; null when it did not say, or has started since. */
  get problem(): Fault | null {
    return this.#problem;
  }

  /** Ends in a row that nobody asked for, once they are a loop; 0 otherwise. */
  get crashes(): number {
    return this.#life.crashes(this.#options.clock.monotonic());
  }

  want(wanted: boolean): void {
    this.#run(this.#life.want(wanted && !this.#closed));
  }

  /** The config file is another one. */
  configChanged(): void {
    this.#process?.send({ kind: "config" });
  }

  /** Resolves with the fault, or null when the next server is ready. */
  async restart(): Promise<Fault | null> {
    const effects = this.#life.restart();
    if (effects.length === 0 && this.#life.state === "disabled") return fault("daemon.disabled");
    this.#run(effects);
    await this.#rest();
    if (this.#life.state === "ready") return null;
    if (this.#life.state === "disabled") return fault("daemon.disabled");
    const text = `The server has not become ready: ${this.#lastExit ?? "it has ended"}`;
    return this.#problem ?? fault("daemon.unreachable", text);
  }

  /** Resolves when the server has gone, in order or at the end of its time; none comes after it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.want(false);
    await this.#rest();
  }

  #rest(): Promise<void> {
    if (this.#life.state !== "starting" && this.#life.state !== "stopping") {
      return Promise.resolve();
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    return promise;
  }

  #run(effects: readonly LifeEffect[]): void {
    for (const effect of effects) {
      this.#timer?.cancel();
      this.#timer = null;
      if (effect.kind === "start") this.#start();
      else if (effect.kind === "stop") this.#stop();
      else if (effect.kind === "pause") this.#pause(effect.delayMs);
    }
    if (this.#life.state !== "starting" && this.#life.state !== "stopping") {
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    }
    this.#options.changed();
  }

  #start(): void {
    const { clock, log, launch } = this.#options;
    const server = launch((message) => {
      if (this.#process === server) this.#heard(message);
    });
    this.#process = server;
    this.#timer = clock.after(START_MS, () =>
      this.#end(`it was not ready within ${START_MS / 1000} s`),
    );
    log.info("server: starting", { pid: server.pid });
    void server.ended.then((words) => this.#ended(words));
  }

  #stop(): void {
    this.#health.stop();
    this.#options.log.info("server: stopping", { pid: this.#process?.pid });
    this.#process?.send({ kind: "stop" });
    this.#timer = this.#options.clock.after(STOP_MS, () =>
      this.#end(`it did not stop within ${STOP_MS / 1000} s`),
    );
  }

  #pause(delayMs: number): void {
    this.#options.log.info("server: waiting before its next start", { delayMs });
    this.#timer = this.#options.clock.after(delayMs, () => {
      this.#timer = null;
      this.#run(this.#life.resume());
    });
  }

  #end(verdict: string): void {
    this.#health.stop();
    this.#verdict = verdict;
    this.#options.log.error(`server: killed, ${verdict}`, { pid: this.#process?.pid });
    this.#process?.kill();
  }

  #heard(message: FromServer): void {
    const { log, clock } = this.#options;
    if (message.kind === "pong") {
      this.#health.answered(message.id);
      if (JSON.stringify(this.#urls) === JSON.stringify(message.urls)) return;
      this.#urls = message.urls;
      this.#options.changed();
    } else if (message.kind === "config") {
      const { applied, revision, problem } = message;
      if (applied) log.debug("server: config read", { revision });
      else log.warning("server: config refused", { problem });
    } else if (message.kind === "failed") {
      this.#problem = message.fault;
      log.error(`server: ${message.fault.text}`, { fault: message.fault.code });
    } else {
      this.#becomesReady(message, clock.monotonic());
    }
  }

  #becomesReady(message: Extract<FromServer, { kind: "ready" }>, nowMs: number): void {
    this.#ready = message;
    this.#urls = message.urls;
    if (this.#life.state !== "starting") return;
    this.#problem = null;
    this.#life.ready(nowMs);
    this.#options.log.info("server: ready", {
      pid: this.#process?.pid,
      version: message.version,
      mcp: message.urls?.mcp,
    });
    this.#health.start();
    this.#run([{ kind: "unpause" }]);
  }

  #ended(words: string): void {
    const { clock, log, random } = this.#options;
    const asked = this.#life.state === "stopping";
    const pid = this.#process?.pid;
    this.#health.stop();
    this.#timer?.cancel();
    this.#process = null;
    this.#ready = null;
    this.#urls = null;
    this.#lastExit = this.#verdict ?? words;
    this.#verdict = null;
    if (asked) log.info("server: stopped", { pid, exit: words });
    else log.error(`server: ended, ${this.#lastExit}`, { pid });
    this.#run(this.#life.ended(clock.monotonic(), random()));
  }
}
