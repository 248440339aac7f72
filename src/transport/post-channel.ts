import { LIMITS } from "../core/limits.ts";
import { textOf } from "../core/message.ts";
import type { Accepted } from "./accept.ts";
import type { Channel } from "./door.ts";
import type { EventLog, LoggedSession, LoggedStream } from "./event-log.ts";
import { eventResponse, EventStream, type Gone } from "./event-stream.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";

/** For messages that nothing answers: notifications and responses of a client. */
export const nowhere: Channel = { streams: false, mustAnswer: false, write: () => {} };

/** Headers made once: cheaper for each answer than an object that has to be read again. */
const jsonInit: ResponseInit = { headers: new Headers({ "content-type": "application/json" }) };

/**
 * From here on Bun sends an answer that comes later word by word: a system call, and a packet, for
 * each part of each header, which takes longer than the body. With a stream as body it does not.
 */
const LONG_BYTES = 15_360;

function bodyOf(bytes: Uint8Array<ArrayBuffer>): BodyInit {
  if (bytes.length < LONG_BYTES) return bytes;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

export type PostOptions = {
  readonly accepted: Accepted;
  readonly heartbeat: Heartbeat;
  readonly log: EventLog;
  /** Whose stream it is, if its events are kept for a client whose connection breaks. */
  readonly session: LoggedSession | null;
  /** Announced in the headers of the answer when it is not null. */
  readonly sessionId: string | null;
  /** Gives the HTTP status of an answer that is no stream; null for 200. */
  readonly statusOf: ((text: string) => number) | null;
  readonly gone: (why: Gone) => void;
};

/**
 * The answer to one POST. It is plain JSON when the final answer is the first thing written: then
 * there is no stream, no timer and one string. Anything before it, or a long silence, makes it an
 * event stream, when the client takes one.
 */
export class PostChannel implements Channel, Beating {
  readonly streams: boolean;
  readonly mustAnswer = true;
  readonly #options: PostOptions;
  #response: Response | undefined;
  #resolve: ((response: Response) => void) | undefined;
  #stream: EventStream | LoggedStream | undefined;
  #beats = 0;

  constructor(options: PostOptions) {
    this.streams = options.accepted.events;
    this.#options = options;
    if (!options.accepted.json) this.#open();
  }

  /** True once the answer is a stream: only then are several messages possible. */
  get streaming(): boolean {
    return this.#stream !== undefined;
  }

  write(text: string, last: boolean): void {
    if (this.#stream === undefined) {
      if (last) {
        const body = text.length < LONG_BYTES ? text : bodyOf(Buffer.from(text));
        return this.#answer(new Response(body, this.#jsonInit(text)));
      }
      if (!this.streams) return;
      this.#open();
    }
    this.#stream?.send(text);
    if (last) this.#stream?.end();
  }

  writeBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#stream === undefined) this.#answer(new Response(bodyOf(bytes), this.#jsonInit(null)));
    else this.write(textOf(bytes), true);
  }

  /** The response: at once when it is there, else as soon as it is. Call it once. */
  response(): Response | Promise<Response> {
    if (this.#response !== undefined) return this.#response;
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.#resolve = resolve;
    if (this.streams) this.#options.heartbeat.add(this);
    return promise;
  }

  beat(): void {
    this.#beats += 1;
    if (this.#beats >= LIMITS.quietBeats) this.#open().comment();
  }

  #open(): EventStream {
    const { heartbeat, log, session, sessionId, gone } = this.#options;
    let connection: EventStream;
    if (session === null) {
      connection = new EventStream(heartbeat, gone);
      this.#stream = connection;
    } else {
      const stream = log.answer(session);
      connection = stream.connect(null, gone);
      this.#stream = stream;
    }
    this.#answer(eventResponse(connection, sessionId));
    return connection;
  }

  #answer(response: Response): void {
    this.#response = response;
    if (this.#resolve === undefined) return;
    this.#options.heartbeat.remove(this);
    this.#resolve(response);
  }

  /** Null for the text of a result, whose status is always 200. */
  #jsonInit(text: string | null): ResponseInit {
    const { statusOf, sessionId } = this.#options;
    if (statusOf !== null && text !== null) return { ...jsonInit, status: statusOf(text) };
    if (sessionId === null) return jsonInit;
    return { headers: { "content-type": "application/json", "mcp-session-id": sessionId } };
  }
}
