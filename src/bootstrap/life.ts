import { BACKOFF, backoffDelay } from "../core/backoff.ts";

export type LifeState = "disabled" | "starting" | "ready" | "waiting" | "stopping";

export type LifeEffect =
  | { readonly kind: "start" }
  /** Asks the server to leave in order. */
  | { readonly kind: "stop" }
  /** Calls resume() after a while. */
  | { readonly kind: "pause"; readonly delayMs: number }
  /** The pause is over before its time. */
  | { readonly kind: "unpause" };

/** So many ends in a row that nobody asked for are a crash loop. */
const LOOP = 3;

/**
 * The life of the server as its bootstrap steers it: events in, with the time as monotonic
 * milliseconds, effects out. It never gives up: what ends is started again after a pause that
 * doubles up to 30 s, and is short again after the server was ready for a minute (MISSION A5).
 */
export class Life {
  #state: LifeState = "disabled";
  #wanted = false;
  #attempt = 0;
  #restarts = 0;
  #readySinceMs: number | null = null;

  get state(): LifeState {
    return this.#state;
  }

  /** Starts after an end that nobody had asked for. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Ends in a row that nobody asked for, once they are a loop; 0 otherwise. */
  crashes(nowMs: number): number {
    const over = this.#isStable(nowMs) || this.#state === "disabled";
    return over || this.#attempt < LOOP ? 0 : this.#attempt;
  }

  /** The server shall run, or not. */
  want(wanted: boolean): readonly LifeEffect[] {
    this.#wanted = wanted;
    if (wanted) return this.#state === "disabled" ? this.#start() : [];
    this.#attempt = 0;
    if (this.#state === "waiting") {
      this.#state = "disabled";
      return [{ kind: "unpause" }];
    }
    return this.#stop();
  }

  /** Ends the server in order and starts it again; without pause when it waits for its start. */
  restart(): readonly LifeEffect[] {
    if (!this.#wanted) return [];
    this.#attempt = 0;
    if (this.#state === "waiting") return [{ kind: "unpause" }, ...this.#start()];
    return this.#state === "disabled" ? this.#start() : this.#stop();
  }

  ready(nowMs: number): void {
    if (this.#state !== "starting") return;
    this.#state = "ready";
    this.#readySinceMs = nowMs;
  }

  /** The process has gone, whoever ended it. `random01` is from 0 to below 1. */
  ended(nowMs: number, random01: number): readonly LifeEffect[] {
    if (this.#isStable(nowMs)) this.#attempt = 0;
    this.#readySinceMs = null;
    if (this.#state === "stopping") {
      if (this.#wanted) return this.#start();
      this.#state = "disabled";
      return [];
    }
    this.#state = "waiting";
    const delayMs = backoffDelay(this.#attempt++, random01);
    return [{ kind: "pause", delayMs }];
  }

  /** The pause is over. */
  resume(): readonly LifeEffect[] {
    if (this.#state !== "waiting") return [];
    this.#restarts++;
    return this.#start();
  }

  #isStable(nowMs: number): boolean {
    return this.#readySinceMs !== null && nowMs - this.#readySinceMs >= BACKOFF.stableMs;
  }

  #start(): readonly LifeEffect[] {
    this.#state = "starting";
    this.#readySinceMs = null;
    return [{ kind: "start" }];
  }

  #stop(): readonly LifeEffect[] {
    if (this.#state !== "starting" && this.#state !== "ready") return [];
    this.#state = "stopping";
    return [{ kind: "stop" }];
  }
}
