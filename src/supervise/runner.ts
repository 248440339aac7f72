import { BACKOFF, type BackoffPolicy } from "../core/backoff.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import {
  hopeless,
  type InstanceEffect,
  type InstanceEvent,
  type InstanceState,
  type LifecyclePolicy,
  step,
} from "../core/lifecycle.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { LogFile } from "../lib/log-file.ts";
import type { Log } from "../lib/log.ts";
import type { Environment, Platform } from "../platform/platform.ts";
import type { Link, LinkEvents } from "../transport/link.ts";
import { Child, type Exit, spawnChild, STOP_POLICY, type StopPolicy } from "./child.ts";
import { resolveLaunch } from "./environment.ts";
import { type Ledger, MARKER_VARIABLE } from "./ledger.ts";
import type { LoginPath } from "./login-path.ts";
import { StderrLog } from "./stderr-log.ts";

/** How long output that is already on its way may take once the process is gone. */
const LAST_OUTPUT_MS = 250;

export type RunnerDeps = {
  readonly clock: Clock;
  /** A number from 0 to below 1, for the jitter of restarts. */
  readonly random: () => number;
  readonly platform: Platform;
  readonly environment: Environment;
  readonly loginPath: Pick<LoginPath, "get">;
  readonly ledger: Pick<Ledger, "add" | "remove">;
  readonly log: Log;
  /** The log of this upstream's standard error. */
  readonly stderr: LogFile;
  readonly openLink: (child: Child, events: LinkEvents) => Link;
  readonly stop?: StopPolicy;
  readonly backoff?: BackoffPolicy;
};

/** What the owner of a runner hears, in order. */
export interface RunnerEvents {
  opened(link: Link): void;
  message(text: string): void;
  /** It printed something that is no message. */
  noise(text: string): void;
  /** Once for each start, also for one that failed; `retryInMs` is null when no other follows. */
  gone(problem: Fault, retryInMs: number | null): void;
  changed(state: InstanceState): void;
}

/** Keeps the process of one stdio unit alive as the lifecycle machine decides. */
export class Runner {
  #unit: Unit;
  readonly #deps: RunnerDeps;
  readonly #events: RunnerEvents;
  readonly #queue: InstanceEvent[] = [];
  #stepping = false;
  #state: InstanceState = { kind: "idle" };
  #child: Child | null = null;
  #life: Promise<void> = Promise.resolve();
  #timer: Timer | null = null;
  #restarts = 0;
  #readySinceMs: number | null = null;

  constructor(unit: Unit, deps: RunnerDeps, events: RunnerEvents) {
    this.#unit = unit;
    this.#deps = deps;
    this.#events = events;
  }

  get state(): InstanceState {
    return this.#state;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts that nobody asked for: after a crash, a refusal or a replacement. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Wall time (epoch ms) since which it is ready; null when it is not. */
  get readySinceMs(): number | null {
    return this.#state.kind === "ready" ? this.#readySinceMs : null;
  }

  /** Somebody needs it. A fault says that waiting is hopeless: no such command. */
  demand(): Fault | null {
    this.#handle({ kind: "demand" });
    return hopeless(this.#state);
  }

  /** The MCP handshake is done: the start time-out is over. */
  ready(): void {
    this.#readySinceMs = this.#deps.clock.now();
    this.#handle({ kind: "ready" });
  }

  /** The handshake failed: the process is ended, another attempt follows after the back-off. */
  refuse(problem: Fault): void {
    this.#handle({ kind: "refused", problem });
  }

  /** Skips what is left of the back-off, e.g. because the config was saved. */
  retry(): void {
    this.#handle({ kind: "retry" });
  }

  /** Puts a fresh process in the place of this one. */
  replace(): void {
    this.#handle({ kind: "replace" });
  }

  /** Ends an unused process; the next demand starts another. */
  rest(): void {
    this.#handle({ kind: "rest" });
  }

  /** Ends the process for good; resolves when nothing of its group is left. */
  async stop(): Promise<void> {
    this.#handle({ kind: "stop" });
    await this.#life;
  }

  /** Takes settings that apply without a restart. */
  configure(unit: Unit): void {
    this.#unit = unit;
  }

  /** One event after the other, also when a listener causes the next. */
  #handle(event: InstanceEvent): void {
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const before = this.#state;
      const after = step(before, next, this.#deps.clock.monotonic(), this.#policy());
      this.#state = after.state;
      if (after.state.kind !== "starting" && after.state.kind !== "waiting") this.#timer?.cancel();
      for (const effect of after.effects) this.#perform(effect, next);
      if (after.state !== before) this.#events.changed(after.state);
    }
    this.#stepping = false;
  }

  #perform(effect: InstanceEffect, event: InstanceEvent): void {
    const { clock } = this.#deps;
    switch (effect.kind) {
      case "spawn":
        if (event.kind !== "demand") this.#restarts += 1;
        this.#life = this.#live();
        break;
      case "terminate":
        // Without a child yet, #live() sees that it is not wanted any more.
        void this.#child?.stop();
        break;
      case "wake":
        this.#timer?.cancel();
        this.#timer = clock.after(Math.max(0, effect.atMs - clock.monotonic()), () =>
          this.#handle({ kind: "wake" }),
        );
        break;
      case "report":
        this.#events.gone(effect.problem, effect.retryInMs);
        break;
    }
  }

  /** From the spawn to the end of one process; always ends with exactly one "exited". */
  async #live(): Promise<void> {
    const problem = await this.#runOnce();
    this.#handle({ kind: "exited", problem });
  }

  async #runOnce(): Promise<Fault> {
    const { clock, environment, ledger, log, loginPath, platform, stop } = this.#deps;
    const { upstream } = this.#unit;
    const path = await loginPath.get();
    const launch = resolveLaunch(this.#unit, { environment, platform, path });
    if (isFault(launch)) return launch;
    if (this.#state.kind === "stopping") return exitFault(upstream, { kind: "stopped" });
    const marker = crypto.randomUUID();
    const child = spawnChild(
      { ...launch, env: { ...launch.env, [MARKER_VARIABLE]: marker } },
      { platform, clock, stop: stop ?? STOP_POLICY },
    );
    if (!(child instanceof Child)) return child;
    this.#child = child;
    log.info("upstream process started", { upstream, pid: child.pid });
    const noted = ledger.add(child.pid, upstream, marker);
    const stderr = new StderrLog(child.stderr, this.#deps.stderr, clock);
    const linked = this.#link(child);
    const exit = await child.gone;
    await Promise.race([Promise.all([stderr.done, linked.closed]), clock.sleep(LAST_OUTPUT_MS)]);
    linked.link.close({ kind: "remote", text: "the process is gone" });
    stderr.close();
    await noted;
    ledger.remove(child.pid);
    this.#child = null;
    log.info("upstream process ended", { upstream, pid: child.pid, cause: causeOf(exit) });
    return exitFault(upstream, exit);
  }

  #link(child: Child): { readonly link: Link; readonly closed: Promise<void> } {
    const closed = Promise.withResolvers<void>();
    const link = this.#deps.openLink(child, {
      message: (text) => this.#events.message(text),
      noise: (text) => this.#events.noise(text),
      closed: ({ text }) => {
        closed.resolve();
        this.#deps.clock.after(LAST_OUTPUT_MS, () => this.#missLink(child, text));
      },
    });
    this.#events.opened(link);
    return { link, closed: closed.promise };
  }

  /** A process that lives on without its link is of no use. */
  #missLink(child: Child, why: string): void {
    if (this.#child !== child || !child.alive()) return;
    const { upstream } = this.#unit;
    const text = `Upstream "${upstream}" broke its connection but did not exit: ${why}`;
    this.#handle({ kind: "refused", problem: fault("upstream.broken-answer", text, upstream) });
  }

  #policy(): LifecyclePolicy {
    const { settings, upstream } = this.#unit;
    return {
      upstream,
      reconnect: settings.reconnect,
      startTimeoutMs: settings.startTimeoutMs,
      backoff: this.#deps.backoff ?? BACKOFF,
      random01: this.#deps.random(),
    };
  }
}

function exitFault(upstream: string, exit: Exit): Fault {
  return fault("upstream.failed", `Upstream "${upstream}" is gone: ${causeOf(exit)}`, upstream);
}

function causeOf(exit: Exit): string {
  switch (exit.kind) {
    case "stopped":
      return "mcpd stopped it";
    case "exited":
      return `it exited with code ${exit.code}`;
    case "killed":
      return `it was killed by ${exit.signal}`;
  }
}
