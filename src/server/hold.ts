import type { Channel } from "../core/effect.ts";
import { fault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";

const LOOK_EVERY_MS = 100;

/** Lets messages of clients wait as long as this version is on trial: a bad one answers nobody. */
export class Hold {
  readonly #waiting: (() => void)[] = [];
  #on = false;

  get on(): boolean {
    return this.#on;
  }

  /** Begins if there is a trial, and ends with it. */
  async begin(isOnTrial: () => Promise<boolean>, clock: Clock): Promise<void> {
    this.#on = await isOnTrial();
    if (this.#on) void this.#until(isOnTrial, clock);
  }

  /** Keeps a message, which `pass` hands on later. */
  take(message: Message, channel: Channel, pass: () => void): void {
    const { length } = this.#waiting;
    if (length < LIMITS.waitingForTrial) this.#waiting.push(pass);
    else if (message.kind === "request") {
      const text = `Too many requests wait (${length}): this version is being tried out`;
      channel.write(encode(faultResponse(message.id, fault("session.busy", text))), true);
    }
  }

  async #until(isOnTrial: () => Promise<boolean>, clock: Clock): Promise<void> {
    while (await isOnTrial()) await clock.sleep(LOOK_EVERY_MS);
    this.#on = false;
    for (const pass of this.#waiting.splice(0)) pass();
  }
}
