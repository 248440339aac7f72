import { type Fault, fault } from "../core/fault.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Instance, InstanceEvents } from "./instance.ts";

/** An upstream that this version cannot reach: says so whenever it is asked for. */
export class UnsupportedInstance implements Instance {
  readonly state = "failed";
  readonly pid = null;
  readonly restarts = 0;
  readonly readySinceMs = null;
  readonly #problem: Fault;
  readonly #events: InstanceEvents;

  constructor(upstream: Upstream, events: InstanceEvents) {
    const text = `Upstream "${upstream.name}" is reached by URL, which this version cannot do yet`;
    this.#problem = fault("upstream.unsupported", text, upstream.name);
    this.#events = events;
  }

  demand(): void {
    this.#events.gone(this.#problem, null);
  }

  ready(): void {}

  refuse(): void {}

  configure(): void {}

  rest(): void {}

  send(): boolean {
    return false;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
