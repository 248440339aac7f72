import { backoffDelay } from "../core/backoff.ts";
import { decodeAnswer } from "../core/decode.ts";
import { isObject, readEnvelope, withEnvelope } from "../core/envelope.ts";
import { type Fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { nextCursorOf } from "../core/listing.ts";
import { encode, type Message, type Request, type Response as Answer } from "../core/message.ts";
import { envelopeHeaders, envelopeVersion } from "./envelope.ts";
import type { RemoteDeps, RemoteTarget } from "./remote.ts";
import { ToolHeaders } from "./tool-headers.ts";
import { wordsOf } from "./web-answer.ts";
import { discard, isStream, Web } from "./web.ts";

/** How long a server may take over the end of a session. */
const FAREWELL_MS = 1_000;

/** What one session over Streamable HTTP sends with every request, and how it reconnects. */
export class HttpSession {
  readonly web: Web;
  readonly #deps: RemoteDeps;
  readonly #noise: (text: string) => void;
  readonly #tools = new ToolHeaders();
  /** Every HTTP request under way, to be cut off at the end. */
  readonly #open = new Set<AbortController>();
  /** What the server asks to be left alone for before the next connection. */
  #retryMs = 0;
  id: string | null = null;
  protocolVersion: string | null = null;

  constructor(target: RemoteTarget, deps: RemoteDeps, noise: (text: string) => void) {
    this.web = new Web(target, deps);
    this.#deps = deps;
    this.#noise = noise;
  }

  async post(body: string, message: Message, signal: AbortSignal): Promise<Response | Fault> {
    const headers = this.#tools.of(message);
    const response = await this.#post(body, message, headers, signal);
    const call = message.kind === "request" && message.method === "tools/call" ? message : null;
    if (isFault(response) || response.status !== 400 || call === null) return response;
    const words = await this.web.text(response);
    if (isFault(words)) return words;
    if (!this.#misses(words)) return new Response(words, response);
    // The tool wants headers that were not known, or has changed: nothing has been done yet.
    await this.#learnTools(call, signal);
    const better = this.#tools.of(call);
    if (JSON.stringify(better) === JSON.stringify(headers)) return new Response(words, response);
    return await this.#post(body, call, better, signal);
  }

  /** Takes note of what an answer says for later requests; returns what is to be passed on. */
  settled(request: Request, answer: Answer, text: string): string {
    if (!answer.outcome.ok) return text;
    if (request.method === "initialize") {
      const { value } = answer.outcome.result;
      const version = isObject(value) ? value["protocolVersion"] : null;
      if (typeof version === "string") this.protocolVersion = version;
    }
    if (request.method !== "tools/list" || envelopeVersion(request) === null) return text;
    return this.#tools.learn(text, answer, (name) =>
      this.#noise(`its tool "${name}" is left out: an x-mcp-header in its schema is wrong`),
    );
  }

  /** A stream of events, or what is left of one after `lastEventId`. */
  async get(lastEventId: string | undefined, signal: AbortSignal): Promise<Response | Fault> {
    const headers = { ...this.#headers(), accept: "text/event-stream" };
    const resume = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    return await this.web.request({ method: "GET", headers: { ...headers, ...resume }, signal });
  }

  /** Whether anybody answers there: null, or the fault that says why not. */
  async probe(): Promise<Fault | null> {
    const control = this.begin();
    const response = await this.web.request({ method: "HEAD", signal: control.signal });
    this.done(control);
    return isFault(response) ? response : null;
  }

  async events(
    response: Response,
    handle: (event: { readonly id: string | undefined; readonly data: string }) => void,
  ): Promise<Fault | null> {
    return await this.web.events(response, {
      event: ({ id, event, data }) => {
        const named = event !== undefined && event !== "message";
        handle({ id, data: named ? "" : data });
      },
      retry: (delayMs) => {
        this.#retryMs = delayMs;
      },
    });
  }

  /** The wait before a connection is made again. */
  async pause(failures: number): Promise<void> {
    const delayMs = backoffDelay(failures, this.#deps.random());
    await this.#deps.clock.sleep(Math.max(delayMs, this.#retryMs));
  }

  begin(): AbortController {
    const control = new AbortController();
    this.#open.add(control);
    return control;
  }

  done(control: AbortController): void {
    this.#open.delete(control);
  }

  /** Ends every request under way. */
  cut(): void {
    for (const control of this.#open) control.abort();
    this.#open.clear();
    this.web.release();
  }

  /** Tells the server that the session is over, without waiting for ever. */
  async farewell(): Promise<void> {
    if (this.id === null) return;
    const control = new AbortController();
    const timer = this.#deps.clock.after(FAREWELL_MS, () => control.abort());
    const headers = this.#headers();
    const response = await this.web.request({ method: "DELETE", headers, signal: control.signal });
    if (!isFault(response)) await discard(response);
    timer.cancel();
    this.web.release();
  }

  async #post(
    body: string,
    message: Message,
    params: { readonly [name: string]: string },
    signal: AbortSignal,
  ): Promise<Response | Fault> {
    const accept = "application/json, text/event-stream";
    const own = { ...this.#headers(), ...envelopeHeaders(message), ...params };
    const headers = { ...own, accept, "content-type": "application/json" };
    return await this.web.request({ method: "POST", headers, body, signal });
  }

  /** Whether an error says that headers and body disagree. */
  #misses(words: string): boolean {
    const answer = decodeAnswer(words);
    return answer.kind === "response" && !answer.outcome.ok && answer.outcome.error.code === -32020;
  }

  /** Asks for the tools, in the name of whoever calls one of them. */
  async #learnTools(call: Request, signal: AbortSignal): Promise<void> {
    const envelope = readEnvelope(call.params);
    let cursor: string | undefined;
    for (let page = 0; page < LIMITS.listPages && !isFault(envelope); page++) {
      const params = withEnvelope(cursor === undefined ? undefined : { cursor }, envelope);
      const request: Request = { kind: "request", id: "mcpd", method: "tools/list", params };
      const response = await this.#post(encode(request), request, {}, signal);
      const text = isFault(response) ? "" : await this.#finalText(response);
      const answer = decodeAnswer(text);
      if (answer.kind !== "response" || !answer.outcome.ok) return;
      this.settled(request, answer, text);
      cursor = nextCursorOf(answer.outcome.result.value);
      if (cursor === undefined) return;
    }
  }

  /** What a response holds, or its last event. */
  async #finalText(response: Response): Promise<string> {
    if (!isStream(response)) return await wordsOf(this.web, response);
    let last = "";
    await this.events(response, ({ data }) => {
      last = data;
    });
    return last;
  }

  #headers(): { readonly [name: string]: string } {
    return {
      ...(this.id === null ? {} : { "mcp-session-id": this.id }),
      ...(this.protocolVersion === null ? {} : { "mcp-protocol-version": this.protocolVersion }),
    };
  }
}
