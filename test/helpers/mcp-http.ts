/**
 * An MCP client over Streamable HTTP that hides nothing: headers, status and messages as they are.
 */
import { readEvents } from "./sse.ts";

export type Message = {
  readonly jsonrpc?: string;
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: { readonly [key: string]: unknown };
  readonly result?: { readonly [key: string]: unknown };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
};

export type McpHttpOptions = {
  readonly url: string;
  readonly key?: string;
  readonly protocolVersion?: string;
  readonly capabilities?: object;
  readonly headers?: { readonly [name: string]: string };
};

export type Answered = {
  readonly response: Message;
  /** What came on the same stream before the answer. */
  readonly before: readonly Message[];
};

/** Thrown for an answer that is no MCP answer: the door refused. */
class HttpRefusal extends Error {
  readonly status: number;
  readonly body: string;
  constructor(status: number, body: string) {
    super(`HTTP ${status}: ${body}`);
    this.name = "HttpRefusal";
    this.status = status;
    this.body = body;
  }
}

export class McpHttp {
  sessionId: string | null = null;
  readonly #options: McpHttpOptions;
  #lastId = 0;

  constructor(options: McpHttpOptions) {
    this.#options = options;
  }

  get protocolVersion(): string {
    return this.#options.protocolVersion ?? "2025-06-18";
  }

  /** Does the handshake and returns the result of `initialize`. */
  async initialize(): Promise<Message> {
    const { protocolVersion } = this;
    const { capabilities = {} } = this.#options;
    const clientInfo = { name: "test", version: "1.0.0" };
    const { response } = await this.request("initialize", {
      protocolVersion,
      capabilities,
      clientInfo,
    });
    await this.notify("notifications/initialized");
    return response;
  }

  /** POSTs one request and waits for its answer, over JSON or a stream. */
  async request(
    method: string,
    params: object = {},
    options: {
      readonly signal?: AbortSignal;
      readonly id?: string | number;
      /** Called for each message that comes before the answer. */
      readonly onMessage?: (message: Message) => void;
    } = {},
  ): Promise<Answered> {
    const id = options.id ?? ++this.#lastId;
    const response = await this.post({ jsonrpc: "2.0", id, method, params }, options.signal);
    if (!response.ok) throw new HttpRefusal(response.status, await response.text());
    this.sessionId = response.headers.get("mcp-session-id") ?? this.sessionId;
    const before: Message[] = [];
    for await (const message of messagesOf(response)) {
      if (message.id === id && message.method === undefined) return { response: message, before };
      before.push(message);
      options.onMessage?.(message);
    }
    throw new Error(`The stream of ${method} ended without its answer`);
  }

  /** Calls a tool and returns the text of its first content block; throws on an error. */
  async call(name: string, args: object = {}, signal?: AbortSignal): Promise<string> {
    const options = signal === undefined ? {} : { signal };
    const { response } = await this.request("tools/call", { name, arguments: args }, options);
    if (response.error !== undefined) throw new Error(response.error.message);
    const content = response.result?.["content"];
    const first: unknown = Array.isArray(content) ? content[0] : undefined;
    return typeof first === "object" && first !== null && "text" in first ? String(first.text) : "";
  }

  async notify(method: string, params: object = {}): Promise<Response> {
    return await this.post({ jsonrpc: "2.0", method, params });
  }

  /** POSTs anything: a batch, an answer, or text that is no JSON. */
  async post(body: unknown, signal?: AbortSignal): Promise<Response> {
    return await fetch(this.#options.url, {
      method: "POST",
      headers: this.headers({ "content-type": "application/json" }),
      body:
        typeof body === "string" || body instanceof ReadableStream ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Opens the stream for what belongs to no request. */
  async listen(signal: AbortSignal): Promise<AsyncGenerator<Message, void>> {
    const headers = this.headers({ accept: "text/event-stream" });
    const response = await fetch(this.#options.url, { headers, signal });
    if (!response.ok) throw new HttpRefusal(response.status, await response.text());
    return messagesOf(response);
  }

  /** Ends the session. */
  async close(): Promise<number> {
    const { status } = await fetch(this.#options.url, {
      method: "DELETE",
      headers: this.headers(),
    });
    return status;
  }

  headers(extra: { readonly [name: string]: string } = {}): { [name: string]: string } {
    const { key, headers } = this.#options;
    return {
      accept: "application/json, text/event-stream",
      ...(key === undefined ? {} : { "x-api-key": key }),
      ...(this.sessionId === null
        ? {}
        : { "mcp-session-id": this.sessionId, "mcp-protocol-version": this.protocolVersion }),
      ...headers,
      ...extra,
    };
  }
}

async function* messagesOf(response: Response): AsyncGenerator<Message, void> {
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
    const body: Message | readonly Message[] = JSON.parse(await response.text());
    yield* Array.isArray(body) ? body : [body as Message];
    return;
  }
  for await (const event of readEvents(response)) {
    if (event.event === "message") yield JSON.parse(event.data);
  }
}
