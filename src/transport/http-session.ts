import { backoffDelay } from "../core/backoff.ts";
import { type Fault, isFault } from "../core/fault.ts";
import type { Message } from "../core/message.ts";
import { envelopeHeaders } from "./envelope.ts";
import type { RemoteDeps, RemoteTarget } from "./remote.ts";
import { discard, Web } from "./web.ts";

/** How long a server may take over the end of a session. */
const FAREWELL_MS = 1_000;

/** What one session over Streamable HTTP sends with every request, and how it reconnects. */
export class HttpSession {
  readonly web: Web;
  readonly #deps: RemoteDeps;
  /** Every HTTP request under way, to be cut off at the end. */
  readonly #open = new Set<AbortController>();
  /** What the server asks to be left alone for before the next connection. */
  #retryMs = 0;
  id: string | null = null;
  protocolVersion: string | null = null;

  constructor(target: RemoteTarget, deps: RemoteDeps) {
    this.web = new Web(target, deps);
    this.#deps = deps;
  }

  async post(body: string, message: Message, signal: AbortSignal): Promise<Response | Fault> {
    const accept = "application/json, text/event-stream";
    const own = { ...this.#headers(), ...envelopeHeaders(message) };
    const headers = { ...own, accept, "content-type": "application/json" };
    return await this.web.request({ method: "POST", headers, body, signal });
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

  #headers(): { readonly [name: string]: string } {
    return {
      ...(this.id === null ? {} : { "mcp-session-id": this.id }),
      ...(this.protocolVersion === null ? {} : { "mcp-protocol-version": this.protocolVersion }),
    };
  }
}
