import type { Fault } from "../core/fault.ts";
import {
  hopeless,
  type InstanceEffect,
  type InstanceEvent,
  type InstanceState,
  type LifecyclePolicy,
  step,
} from "../core/lifecycle.ts";
import type { Wire } from "../core/message.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { Cut, Link } from "../transport/link.ts";

export type DriverDeps = {
  readonly clock: Clock;
  /** A number from 0 to below 1, for the jitter of restarts. */
  readonly random: () => number;
};

/** What the owner of a driver hears, in order. */
export interface DriverEvents {
  opened(link: Link): void;
  message(wire: Wire): void;
  /** It sent something that is no message. */
  noise(text: string, cut?: Cut): void;
  /** Once for each start, also for one that failed; `retryInMs` is null when no other follows. */
  gone(problem: Fault, retryInMs: number | null): void;
}

/**
 * Drives the lifecycle machine of one unit: its timer, its counters, its events one after the
 * other. What a life is (a process, a connection) its subclasses say.
 */
export abstract class Driver {
  protected readonly events: DriverEvents;
  #unit: Unit;
  readonly #deps: DriverDeps;
  readonly #queue: InstanceEvent[] = [];
  #stepping = false;
  #state: InstanceState = { kind: "idle" };
  #life: Promise<void> = Promise.resolve();
  #ending = new AbortController();
  #timer: Timer | null = null;
  #restarts = 0;

  constructor(unit: Unit, deps: DriverDeps, events: DriverEvents) {
    this.#unit = unit;
    this.#deps = deps;
    this.events = events;
  }

  /**
   * One life from its start to its end; resolves with why it ended, when nothing is left of it.
   * `ending` is aborted when it shall end.
   */
  protected abstract live(ending: AbortSignal): Promise<Fault>;

  /** Ends the life that goes on; before it has something to end, live() looks at `ending`. */
  protected abstract terminate(): void;

  /** The process, when there is one. */
  abstract get pid(): number | null;

  get unit(): Unit {
    return this.#unit;
  }

  get state(): InstanceState {
    return this.#state;
  }

  /** Starts that nobody asked for: after a crash or a refusal. */
  get restarts(): number {
    return this.#restarts;
  }

  /** When it became ready (monotonic ms); null when it is not. */
  get readySinceMs(): number | null {
    return this.#state.kind === "ready" ? this.#state.sinceMs : null;
  }

  /** Somebody needs it. A fault says that waiting is hopeless: no such command. */
  demand(): Fault | null {
    this.handle({ kind: "demand" });
    return hopeless(this.#state);
  }

  /** Shortens what is left of the back-off of one that was out of reach. */
  hurry(): void {
    this.handle({ kind: "hurry" });
  }

  /** The MCP handshake is done: the start time-out is over. */
  ready(): void {
    this.handle({ kind: "ready" });
  }

  /** The handshake failed: this life is ended, another attempt follows after the back-off. */
  refuse(problem: Fault): void {
    this.handle({ kind: "refused", problem });
  }

  /** Skips what is left of the back-off, e.g. because the config was saved. */
  retry(): void {
    this.handle({ kind: "retry" });
  }

  /** Ends an unused life; the next demand starts another. */
  rest(): void {
    this.handle({ kind: "rest" });
  }

  /** Ends it for good; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.handle({ kind: "stop" });
    await this.#life;
  }

  /** Takes settings that apply without a restart. */
  configure(unit: Unit): void {
    this.#unit = unit;
  }

  /** One event after the other, also when a listener causes the next. */
  protected handle(event: InstanceEvent): void {
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const after = step(this.#state, next, this.#deps.clock.monotonic(), this.#policy());
      this.#state = after.state;
      if (after.state.kind !== "starting" && after.state.kind !== "waiting") this.#timer?.cancel();
      for (const effect of after.effects) this.#perform(effect, next);
    }
    this.#stepping = false;
  }

  #perform(effect: InstanceEffect, event: InstanceEvent): void {
    const { clock } = this.#deps;
    switch (effect.kind) {
      case "spawn":
        if (event.kind !== "demand") this.#restarts += 1;
        this.#life = this.#liveOnce();
        break;
      case "terminate":
        this.#ending.abort();
        this.terminate();
        break;
      case "wake":
        this.#timer?.cancel();
        this.#timer = clock.after(Math.max(0, effect.atMs - clock.monotonic()), () =>
          this.handle({ kind: "wake" }),
        );
        break;
      case "report":
        this.events.gone(effect.problem, effect.retryInMs);
        break;
    }
  }

  /** Always ends with exactly one "exited". */
  async #liveOnce(): Promise<void> {
    this.#ending = new AbortController();
    const problem = await this.live(this.#ending.signal);
    this.handle({ kind: "exited", problem });
  }

  #policy(): LifecyclePolicy {
    const { settings, upstream } = this.#unit;
    return {
      upstream,
      reconnect: settings.reconnect,
      startTimeoutMs: settings.startTimeoutMs,
      random01: this.#deps.random(),
    };
  }
}
