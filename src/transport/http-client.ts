import { decodeAnswer } from "../core/decode.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import {
  encode,
  faultResponse,
  type Message,
  type Request,
  type RequestId,
} from "../core/message.ts";
import type { Timer } from "../lib/clock.ts";
import { envelopeVersion } from "./envelope.ts";
import { HttpSession } from "./http-session.ts";
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
import { discard, isStream, mediaType } from "./web.ts";

/** A stream that stays open after its answer is let go. */
const LINGER_MS = 2_000;
/** Reconnecting in vain this often in a row means that the server is gone. */
const RECONNECTS_MAX = 4;

export interface HttpClientEvents extends RemoteEvents {
  /** This is no Streamable HTTP server: the first message is left to be sent in another way. */
  unfit(problem: Fault, text: string): void;
}

/** A request without an answer, and the HTTP request that carries it. */
type Pending = { readonly request: Request; readonly control: AbortController };

/**
 * The client side of Streamable HTTP (2025-03-26 to 2025-11-25, basic/transports). The session is
 * the life of the link: when the server has forgotten it, the link ends, and its owner starts anew.
 */
export class HttpClientLink implements Link {
  readonly #session: HttpSession;
  readonly #deps: RemoteDeps;
  readonly #events: HttpClientEvents;
  readonly #outbox: Outbox;
  readonly #pending = new Map<RequestId, Pending>();
  #closed = false;

  constructor(target: RemoteTarget, deps: RemoteDeps, events: HttpClientEvents) {
    this.#session = new HttpSession(target, deps, (text) => events.noise(text));
    this.#deps = deps;
    this.#events = events;
    this.#outbox = new Outbox((text, message) => this.#post(text, message));
  }

  send(text: string): boolean {
    return !this.#closed && this.#outbox.push(text);
  }

  close({ text }: CloseReason): void {
    if (this.#closed) return;
    const problem = this.#odd("upstream.failed", `is gone: ${text}`);
    this.#cut();
    void this.#session.farewell().finally(() => this.#events.closed(problem));
  }

  /** Resolves when the server has taken the message, or it is clear that it does not. */
  async #post(text: string, message: Message): Promise<void> {
    if (this.#hungUp(message)) return;
    const control = this.#session.begin();
    const pending = message.kind === "request" ? { request: message, control } : null;
    if (pending !== null) this.#pending.set(pending.request.id, pending);
    const response = await this.#session.post(text, message, control.signal);
    if (this.#closed) return;
    if (!isFault(response) && response.ok && pending !== null) {
      void this.#answered(pending, response).finally(() => this.#session.done(control));
      return;
    }
    if (isFault(response)) await this.#broken(pending, response);
    else if (response.ok) await this.#told(message, response);
    else await this.#refused(text, message, response);
    this.#session.done(control);
  }

  /** A notification, or an answer to the server's own question, has arrived. */
  async #told(message: Message, response: Response): Promise<void> {
    await discard(response);
    if (message.kind !== "notification" || this.#closed) return;
    if (message.method === "notifications/initialized") void this.#listen();
    if (message.method !== "notifications/cancelled") return;
    // It may still ask on the stream of its answer; after a while that is taken to be over.
    const pending = this.#pending.get(message.params?.["requestId"] as RequestId);
    if (pending === undefined) return;
    this.#deps.clock.after(LIMITS.ghostMs, () => {
      this.#pending.delete(pending.request.id);
      pending.control.abort();
    });
  }

  /** In the modern era, who wants no answer any more closes its stream, and says nothing. */
  #hungUp(message: Message): boolean {
    if (message.kind !== "notification" || message.method !== "notifications/cancelled")
      return false;
    const pending = this.#pending.get(message.params?.["requestId"] as RequestId);
    if (pending === undefined || envelopeVersion(pending.request) === null) return false;
    this.#pending.delete(pending.request.id);
    pending.control.abort();
    return true;
  }

  async #answered(pending: Pending, response: Response): Promise<void> {
    if (pending.request.method === "initialize") {
      this.#session.id = response.headers.get("mcp-session-id");
    }
    const type = mediaType(response);
    if (isStream(response)) return await this.#follow(pending, response);
    if (type === "application/json") {
      const text = await this.#session.web.text(response);
      if (isFault(text)) return await this.#broken(pending, text);
      this.#deliver(text);
      const none = this.#odd("upstream.broken-answer", "answered a request with something else");
      return this.#fail(pending.request, none);
    }
    await discard(response);
    // Some servers take a request like a notification and answer on their own stream.
    if (response.status === 202) return this.#events.noise("its answer to a request is HTTP 202");
    const what = `answered with "${type}", which is neither JSON nor a stream of events`;
    this.#fail(pending.request, this.#odd("upstream.broken-answer", what));
  }

  /** Reads the stream of one answer, over as many connections as the server makes of it. */
  async #follow(pending: Pending, first: Response): Promise<void> {
    const { request, control } = pending;
    let lastEventId: string | undefined;
    let failures = 0;
    let linger: Timer | null = null;
    let response: Response | Fault = first;
    while (this.#waits(request)) {
      const ended: Fault | null = isFault(response)
        ? response
        : await this.#session.events(response, ({ id, data }) => {
            lastEventId = id ?? lastEventId;
            failures = 0;
            this.#deliver(data);
            if (!this.#waits(request)) {
              linger ??= this.#deps.clock.after(LINGER_MS, () => control.abort());
            }
          });
      if (!this.#waits(request)) break;
      const problem = ended ?? this.#session.web.fault("upstream.lost", "its answer has no end");
      const hopeless = lastEventId === undefined || problem.code === "upstream.answer-too-large";
      if (hopeless || failures > RECONNECTS_MAX) return await this.#broken(pending, problem);
      // It may end a stream at any time: what it still has to say is asked for (SEP-1699).
      await this.#session.pause(failures);
      failures += 1;
      if (!this.#waits(request)) break;
      response = await this.#session.get(lastEventId, control.signal);
      if (!isFault(response) && !isStream(response)) {
        await discard(response);
        return await this.#broken(pending, problem);
      }
    }
    (linger as Timer | null)?.cancel();
  }

  /** The stream of what belongs to no request; not every server has one. */
  async #listen(): Promise<void> {
    const control = this.#session.begin();
    let lastEventId: string | undefined;
    let worked = false;
    for (let failures = 0; !this.#closed; failures++) {
      const response = await this.#session.get(lastEventId, control.signal);
      if (this.#closed) return;
      if (isFault(response)) {
        const down = response.code === "upstream.unreachable" || response.code === "upstream.lost";
        if (!down || failures >= RECONNECTS_MAX) return this.#end(response);
      } else if (isStream(response)) {
        worked = true;
        failures = 0;
        await this.#session.events(response, ({ id, data }) => {
          lastEventId = id ?? lastEventId;
          this.#deliver(data);
        });
      } else {
        await discard(response);
        if (worked && response.status === 404) return this.#end(this.#forgotten());
        if (!worked && response.status < 500 && response.status !== 429) break;
      }
      await this.#session.pause(failures);
    }
    this.#session.done(control);
  }

  #deliver(text: string): void {
    if (text === "") return;
    for (const one of messagesIn(text)) {
      if (this.#closed) return;
      if (!looksLikeMessage(one)) {
        this.#events.noise(one);
        continue;
      }
      this.#events.message(this.#settle(one));
    }
  }

  /** Takes note when a message is the answer to a request; returns what is to be passed on. */
  #settle(text: string): string {
    const message = decodeAnswer(text);
    if (message.kind !== "response" || message.id === null) return text;
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    return pending === undefined ? text : this.#session.settled(pending.request, message, text);
  }

  /** A connection broke, or was never there. Was it the connection, or is the server gone? */
  async #broken(pending: Pending | null, problem: Fault): Promise<void> {
    if (this.#closed) return;
    const cut = problem.code === "upstream.lost";
    const large = problem.code === "upstream.answer-too-large";
    if (!cut && !large) return this.#undone(pending?.request, problem);
    if (pending === null) return this.#events.noise(problem.text);
    if (!this.#waits(pending.request)) return;
    const gone = cut ? await this.#session.probe() : null;
    if (gone === null) this.#fail(pending.request, problem);
    else this.#end(gone);
  }

  /** The server took the connection and said no. */
  async #refused(text: string, message: Message, response: Response): Promise<void> {
    const answer = await wordsOf(this.#session.web, response);
    if (this.#closed) return;
    const { status } = response;
    const problem = refusal(this.#session.web, response, answer);
    const first = message.kind === "request" && message.method === "initialize";
    const lost = status === 404 || (status === 400 && /session/i.test(answer));
    if (status === 401) return this.#end(problem);
    if (first && (status === 400 || status === 404 || status === 405)) {
      this.#cut();
      return this.#events.unfit(problem, text);
    }
    if (lost && this.#session.id !== null) {
      return this.#undone(message.kind === "request" ? message : undefined, this.#forgotten());
    }
    if (message.kind !== "request") return this.#events.noise(problem.text);
    const own = first ? null : answerTo(message.id, answer);
    if (own === null) this.#fail(message, problem);
    else this.#deliver(own);
  }

  /** Answers a request in the place of the server, unless it has been answered. */
  #fail(request: Request, problem: Fault): void {
    if (this.#closed || !this.#pending.delete(request.id)) return;
    if (request.method === "initialize") return this.#end(problem);
    this.#events.message(encode(faultResponse(request.id, problem)));
  }

  /** Ends the link with a request that has certainly not been carried out: a call is told so. */
  #undone(request: Request | undefined, problem: Fault): void {
    if (request?.method === "tools/call") {
      this.#fail(request, { ...problem, text: `${problem.text}; the call was not carried out` });
    }
    this.#end(problem);
  }

  #waits({ id }: Request): boolean {
    return !this.#closed && this.#pending.has(id);
  }

  #forgotten(): Fault {
    return this.#session.web.fault("upstream.unreachable", "it has forgotten the session");
  }

  #odd(code: "upstream.failed" | "upstream.broken-answer", what: string): Fault {
    const { upstream } = this.#session.web.target;
    return fault(code, `Upstream "${upstream}" ${what}`, upstream);
  }

  /** Ends the link from within. */
  #end(problem: Fault): void {
    if (this.#closed) return;
    this.#cut();
    this.#events.closed(endOf(problem));
  }

  #cut(): void {
    this.#closed = true;
    this.#session.cut();
  }
}
