import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import type { Channel } from "./door.ts";

/**
 * One request's channel on a stream that many requests share (HTTP+SSE, sockets, stdio). A result
 * that follows a notification of its own request goes out LIMITS.resultGapMs later: the official
 * clients handle a result at once but a notification in a microtask, so that progress which arrives
 * in one chunk with its result is lost. A result that nothing preceded goes out at once.
 */
export class PacedChannel implements Channel {
  readonly streams = true;
  readonly mustAnswer = false;
  readonly #clock: Clock;
  readonly #send: (text: string) => void;
  #preceded = false;

  constructor(clock: Clock, send: (text: string) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  write(text: string, last: boolean): void {
    if (last && this.#preceded) {
      this.#clock.after(LIMITS.resultGapMs, () => this.#send(text));
      return;
    }
    this.#preceded = true;
    this.#send(text);
  }
}
