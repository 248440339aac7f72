import { type Fault, fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import type { Unit } from "../core/unit.ts";
import type { Clock } from "../lib/clock.ts";
import type { Driver, DriverEvents } from "../supervise/driver.ts";
import type { Link } from "../transport/link.ts";
import type { Instance, InstanceEvents } from "./instance.ts";

/** An upstream that a driver keeps alive, and the link to it while there is one. */
export class DrivenInstance implements Instance {
  readonly #driver: Driver;
  readonly #events: InstanceEvents;
  readonly #clock: Clock;
  #link: Link | null = null;

  constructor(drive: (events: DriverEvents) => Driver, events: InstanceEvents, clock: Clock) {
    this.#driver = drive({
      opened: (link) => {
        this.#link = link;
        events.opened();
      },
      message: (wire) => events.message(wire),
      noise: (text, cut) => events.noise(text, cut),
      gone: (problem, retryInMs) => events.gone(problem, retryInMs),
    });
    this.#events = events;
    this.#clock = clock;
  }

  get state(): Instance["state"] {
    return this.#driver.state.kind;
  }

  get pid(): number | null {
    return this.#driver.pid;
  }

  get restarts(): number {
    return this.#driver.restarts;
  }

  get readySinceMs(): number | null {
    return this.#driver.readySinceMs;
  }

  demand(): void {
    const problem = this.#driver.demand() ?? this.#longWait();
    if (problem !== null) this.#events.unavailable(problem);
  }

  hurry(): void {
    this.#driver.hurry();
  }

  ready(): void {
    this.#driver.ready();
  }

  refuse(problem: Fault): void {
    this.#driver.refuse(problem);
  }

  rest(): void {
    this.#driver.rest();
  }

  configure(unit: Unit): void {
    this.#driver.configure(unit);
    this.#driver.retry();
  }

  send(text: string): boolean {
    return this.#link?.send(text) ?? false;
  }

  stop(): Promise<void> {
    return this.#driver.stop();
  }

  /** A client is told at once what it would otherwise learn after a long back-off. */
  #longWait(): Fault | null {
    const { state } = this.#driver;
    if (state.kind !== "waiting") return null;
    const waitMs = state.untilMs - this.#clock.monotonic();
    if (waitMs <= LIMITS.restartWaitMs) return null;
    const { code, text, subject } = state.problem;
    return fault(code, `${text}; next try in ${Math.ceil(waitMs / 1_000)} s`, subject);
  }
}
