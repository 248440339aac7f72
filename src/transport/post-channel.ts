import { LIMITS } from "../core/limits.ts";
import type { Accepted } from "./accept.ts";
import type { Channel } from "./door.ts";
import { eventResponse, EventStream, type Gone } from "./event-stream.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";

/** For messages that nothing answers: notifications and responses of a client. */
export const nowhere: Channel = { streams: false, mustAnswer: false, write: () => {} };

/** Headers made once: cheaper for each answer than an object that has to be read again. */
const jsonInit: ResponseInit = { headers: new Headers({ "content-type": "application/json" }) };

/**
 * The answer to one POST. It is plain JSON when the final answer is the first thing written: then
 * there is no stream, no timer and one string. Anything before it, or a long silence, makes it an
 * event stream, when the client takes one.
 */
export class PostChannel implements Channel, Beating {
  readonly streams: boolean;
  readonly mustAnswer = true;
  readonly #heartbeat: Heartbeat;
  readonly #sessionId: string | null;
  readonly #gone: (why: Gone) => void;
  readonly #statusOf: ((text: string) => number) | null;
  #response: Response | undefined;
  #resolve: ((response: Response) => void) | undefined;
  #stream: EventStream | undefined;
  #beats = 0;

  /**
   * `sessionId` is announced in the headers of the answer when it is not null; `statusOf` gives the
   * HTTP status of an answer that is no stream (200 without it).
   */
  constructor(
    accepted: Accepted,
    heartbeat: Heartbeat,
    sessionId: string | null,
    gone: (why: Gone) => void,
    statusOf: ((text: string) => number) | null = null,
  ) {
    this.streams = accepted.events;
    this.#heartbeat = heartbeat;
    this.#sessionId = sessionId;
    this.#gone = gone;
    this.#statusOf = statusOf;
    if (!accepted.json) this.#open();
  }

  /** True once the answer is a stream: only then are several messages possible. */
  get streaming(): boolean {
    return this.#stream !== undefined;
  }

  write(text: string, last: boolean): void {
    if (this.#stream === undefined) {
      if (last) return this.#answer(new Response(text, this.#jsonInit(text)));
      if (!this.streams) return;
      this.#open();
    }
    this.#stream?.send(text);
    if (last) this.#stream?.end();
  }

  /** The response: at once when it is there, else as soon as it is. Call it once. */
  response(): Response | Promise<Response> {
    if (this.#response !== undefined) return this.#response;
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.#resolve = resolve;
    if (this.streams) this.#heartbeat.add(this);
    return promise;
  }

  beat(): void {
    this.#beats += 1;
    if (this.#beats >= LIMITS.quietBeats) this.#open().comment();
  }

  #open(): EventStream {
    const stream = new EventStream(this.#heartbeat, this.#gone);
    this.#stream = stream;
    this.#answer(eventResponse(stream, this.#sessionId));
    return stream;
  }

  #answer(response: Response): void {
    this.#response = response;
    if (this.#resolve === undefined) return;
    this.#heartbeat.remove(this);
    this.#resolve(response);
  }

  #jsonInit(text: string): ResponseInit {
    if (this.#statusOf !== null) return { ...jsonInit, status: this.#statusOf(text) };
    if (this.#sessionId === null) return jsonInit;
    return {
      headers: { "content-type": "application/json", "mcp-session-id": this.#sessionId },
    };
  }
}
