import type { Malformed } from "../core/decode.ts";
import { encode, faultResponse } from "../core/message.ts";
import type { Channel } from "./door.ts";
import type { PostChannel } from "./post-channel.ts";

/**
 * Collects the answers to one batch (2025-03-26): one JSON array when all of them are there, or one
 * event each when the answer has become a stream, because clients read no arrays from events.
 */
export class Batch {
  readonly #channel: PostChannel;
  readonly #answers: string[] = [];
  #missing: number;

  constructor(channel: PostChannel, requests: number, broken: readonly Malformed[]) {
    this.#channel = channel;
    this.#missing = requests;
    for (const { id, fault } of broken) this.#answers.push(encode(faultResponse(id, fault)));
  }

  /** The channel of one request of the batch. */
  member(): Channel {
    return {
      streams: this.#channel.streams,
      mustAnswer: true,
      write: (text, last) => {
        if (last) this.#settle(text);
        else this.#channel.write(text, false);
      },
    };
  }

  #settle(text: string): void {
    this.#missing -= 1;
    this.#answers.push(text);
    const last = this.#missing === 0;
    if (!this.#channel.streaming) {
      if (last) this.#channel.write(`[${this.#answers.join(",")}]`, true);
      return;
    }
    const final = this.#answers.pop();
    for (const answer of this.#answers.splice(0)) this.#channel.write(answer, false);
    if (final !== undefined) this.#channel.write(final, last);
  }
}
