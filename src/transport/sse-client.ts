import { type Fault, fault, isFault } from "../core/fault.ts";
import { encode, faultResponse, type Message } from "../core/message.ts";
import type { CloseReason, Link } from "./link.ts";
import {
  looksLikeMessage,
  messagesIn,
  Outbox,
  type RemoteDeps,
  type RemoteEvents,
  type RemoteTarget,
} from "./remote.ts";
import { answerTo, endOf, refusal, wordsOf } from "./web-answer.ts";
import { discard, isStream, Web } from "./web.ts";

/**
 * The client side of HTTP+SSE (2024-11-05, basic/transports): one stream for everything the server
 * says, whose first event names where messages are sent to. When the stream ends, so does the link.
 */
export class SseClientLink implements Link {
  readonly #web: Web;
  readonly #events: RemoteEvents;
  readonly #outbox: Outbox;
  readonly #control = new AbortController();
  #endpoint: URL | null = null;
  #closed = false;

  constructor(target: RemoteTarget, deps: RemoteDeps, events: RemoteEvents) {
    this.#web = new Web(target, deps);
    this.#events = events;
    this.#outbox = new Outbox((text, message) => this.#post(text, message));
    this.#outbox.hold();
    void this.#listen();
  }

  send(text: string): boolean {
    return !this.#closed && this.#outbox.push(text);
  }

  close({ text }: CloseReason): void {
    const { upstream } = this.#web.target;
    this.#end(fault("upstream.failed", `Upstream "${upstream}" is gone: ${text}`, upstream));
  }

  async #listen(): Promise<void> {
    const response = await this.#web.request({
      method: "GET",
      headers: { accept: "text/event-stream" },
      signal: this.#control.signal,
    });
    if (this.#closed) return;
    if (isFault(response)) return this.#end(response);
    if (!response.ok) {
      return this.#end(refusal(this.#web, response, await wordsOf(this.#web, response)));
    }
    if (!isStream(response)) {
      await discard(response);
      return this.#end(this.#unreachable("it answers GET with no stream of events"));
    }
    const ended = await this.#web.events(response, {
      event: ({ event, data }) => {
        if (event === "endpoint") this.#meet(data);
        else if (event === undefined || event === "message") this.#deliver(data);
      },
    });
    this.#end(ended ?? this.#unreachable("it ended its stream"));
  }

  /** The server says where messages go: to itself, or they would carry our secrets elsewhere. */
  #meet(address: string): void {
    const { url } = this.#web.target;
    const endpoint = URL.parse(address, url);
    if (endpoint === null || endpoint.origin !== url.origin) {
      const where = endpoint === null ? "nowhere" : endpoint.origin;
      return this.#end(this.#unreachable(`it wants its messages sent to ${where}`));
    }
    this.#endpoint = endpoint;
    this.#outbox.release();
  }

  async #post(body: string, message: Message): Promise<void> {
    if (this.#closed || this.#endpoint === null) return;
    const response = await this.#web.request({
      method: "POST",
      url: this.#endpoint,
      headers: { "content-type": "application/json" },
      body,
      signal: this.#control.signal,
    });
    if (this.#closed) return;
    if (isFault(response)) {
      if (response.code === "upstream.lost") this.#fail(message, response);
      else this.#end(response);
    } else if (response.ok) {
      await discard(response);
    } else {
      this.#refused(message, response, await wordsOf(this.#web, response));
    }
  }

  #refused(message: Message, response: Response, body: string): void {
    if (this.#closed) return;
    const problem = refusal(this.#web, response, body);
    if (response.status === 401) return this.#end(problem);
    if (response.status === 404)
      return this.#end(this.#unreachable("it has forgotten the session"));
    const own = message.kind === "request" ? answerTo(message.id, body) : null;
    if (own === null) this.#fail(message, problem);
    else this.#events.message(own);
  }

  #deliver(data: string): void {
    for (const text of messagesIn(data)) {
      if (this.#closed) return;
      if (looksLikeMessage(text)) this.#events.message(text);
      else if (text !== "") this.#events.noise(text);
    }
  }

  #fail(message: Message, problem: Fault): void {
    if (message.kind !== "request") this.#events.noise(problem.text);
    else if (message.method === "initialize") this.#end(problem);
    else this.#events.message(encode(faultResponse(message.id, problem)));
  }

  #unreachable(why: string): Fault {
    return this.#web.fault("upstream.unreachable", why);
  }

  #end(problem: Fault): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#control.abort();
    this.#web.release();
    this.#events.closed(endOf(problem));
  }
}
