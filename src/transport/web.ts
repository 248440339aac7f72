import { createParser, type EventSourceMessage } from "eventsource-parser";

import { type Fault, fault } from "../core/fault.ts";
import { isLoopback } from "../lib/address.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import { VERSION } from "../version.ts";
import type { Login, RemoteDeps, RemoteTarget } from "./remote.ts";

/** Redirects followed for one request: a chain that is longer is a circle. */
const REDIRECTS_MAX = 5;
/** How long a server beside the upstream may take over an answer. */
const PLAIN_MS = 15_000;
/** What is shown of a page that explains an error. */
const EXCERPT_LENGTH = 300;

export type WebRequest = {
  readonly method: "GET" | "POST" | "DELETE" | "HEAD";
  /** Where, when it is not the target's own URL. */
  readonly url?: URL;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  readonly signal: AbortSignal;
};

/** The HTTP side of one remote upstream: its connections, its headers, its errors in words. */
export class Web {
  readonly target: RemoteTarget;
  readonly #login: Login | null;
  readonly #bytesMax: () => number;
  /** Connections of its own: what one upstream's server does to them is nobody else's business. */
  readonly #session: Bun.FetchSession;
  #token: string | null = null;

  constructor(target: RemoteTarget, deps: Pick<RemoteDeps, "login" | "answerBytesMax">) {
    this.target = target;
    this.#login = deps.login;
    this.#bytesMax = deps.answerBytesMax;
    // A proxy has no way to this machine's own loopback.
    this.#session = new Bun.FetchSession(isLoopback(target.url.hostname) ? { proxy: false } : {});
  }

  /**
   * One request. "upstream.unreachable" says that it has not been delivered, "upstream.lost" that
   * nobody knows. Redirects are followed within the origin only, and only those that keep the
   * method: the headers hold secrets that are meant for one server.
   */
  async request(wanted: WebRequest): Promise<Response | Fault> {
    if (this.#login === null) return await this.#follow(wanted);
    const token = await this.#login.token();
    this.#token = token;
    const response = await this.#follow(withToken(wanted, token));
    const rights = response instanceof Response ? missingRights(response) : null;
    if (rights !== null) await this.#login.lacks(rights);
    if (!(response instanceof Response) || !wantsLogin(response)) return response;
    // A wrong key in a header of the config's own is no reason to log in somewhere.
    const keyed = Object.keys(this.target.headers).length > 0;
    if (token === null && keyed && !/resource_metadata=/.test(challengeOf(response)))
      return response;
    // Refused before anything was done, so it may be asked again.
    await discard(response);
    const fresh = await this.#login.renew(token);
    if (typeof fresh !== "string") return fresh;
    this.#token = fresh;
    return await this.#follow(withToken(wanted, fresh));
  }

  async #follow(wanted: WebRequest): Promise<Response | Fault> {
    let url = wanted.url ?? this.target.url;
    for (let hops = 0; ; hops++) {
      const response = await this.#once(url, wanted);
      if (!(response instanceof Response)) return response;
      const location = response.headers.get("location");
      if (location === null || response.status < 300 || response.status > 399) return response;
      await discard(response);
      const next = URL.parse(location, url);
      const keeps = wanted.method === "GET" || response.status === 307 || response.status === 308;
      if (next === null || next.origin !== url.origin || !keeps || hops === REDIRECTS_MAX) {
        const where = next === null ? "nowhere" : `${next.origin}${next.pathname}`;
        return this.fault("upstream.unreachable", `it redirects to ${where}: is that its address?`);
      }
      url = next;
    }
  }

  /** The whole body, or why there is none. */
  async text(response: Response): Promise<string | Fault> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (bytes > this.#bytesMax()) return this.#tooLarge();
        chunks.push(chunk);
      }
    } catch (error) {
      return this.#cutOff(error);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  }

  /** Hands over the events of a stream; resolves with null when it ended properly. */
  async events(
    response: Response,
    handle: { event(event: EventSourceMessage): void; retry?(delayMs: number): void },
  ): Promise<Fault | null> {
    let tooLarge = false;
    const parser = createParser({
      maxBufferSize: this.#bytesMax(),
      onEvent: (event) => {
        // The parser's own bound is for what waits; an event may come whole in one chunk.
        if (event.data.length > this.#bytesMax()) tooLarge = true;
        else handle.event(event);
      },
      onRetry: (delayMs) => handle.retry?.(delayMs),
      onError: ({ type }) => {
        if (type === "max-buffer-size-exceeded") tooLarge = true;
      },
    });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        if (tooLarge) return this.#tooLarge();
      }
    } catch (error) {
      return this.#cutOff(error);
    }
    return null;
  }

  /** What an answer that is no success says, in one line: "HTTP 503 Service Unavailable: busy". */
  describe({ status, statusText }: Response, body: string): string {
    const reason = statusText === "" ? "" : ` ${statusText}`;
    const words = body.trimStart().startsWith("<") ? "" : rpcMessage(body).replaceAll(/\s+/g, " ");
    const excerpt = this.#conceal(words.trim()).slice(0, EXCERPT_LENGTH);
    return `HTTP ${status}${reason}${excerpt === "" ? "" : `: ${excerpt}`}`;
  }

  fault(
    code: "upstream.unreachable" | "upstream.lost" | "upstream.answer-too-large",
    why: string,
  ): Fault {
    const { upstream, shown } = this.target;
    return fault(code, `Upstream "${upstream}" at ${shown}: ${why}`, upstream);
  }

  /** Lets go of connections that are kept for the next request. */
  release(): void {
    this.#session.close();
  }

  async #once(url: URL, { method, headers, body, signal }: WebRequest): Promise<Response | Fault> {
    try {
      return await this.#session.fetch(url, {
        method,
        headers: { "user-agent": `mcpd/${VERSION}`, ...this.target.headers, ...headers },
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
        // A call may be quiet for as long as it likes: its deadline is the core's business.
        timeout: false,
        signal,
      });
    } catch (error) {
      if (!UNDELIVERED.has(errorCode(error))) return this.#cutOff(error);
      return this.fault("upstream.unreachable", networkReason(error));
    }
  }

  #cutOff(error: unknown): Fault {
    return this.fault("upstream.lost", networkReason(error));
  }

  #tooLarge(): Fault {
    const why = `its answer is larger than ${this.#bytesMax()} bytes`;
    return this.fault("upstream.answer-too-large", why);
  }

  /** A server that repeats what it was sent must not make it public. */
  #conceal(text: string): string {
    let concealed = text;
    for (const value of [...Object.values(this.target.headers), this.#token ?? ""]) {
      const secret = value.replace(/^\S+ /, "");
      if (secret.length >= 8) concealed = concealed.replaceAll(secret, "***");
    }
    return concealed;
  }
}

/** A plain request to a server beside the upstream: one that gives out tokens. */
export async function webFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const proxy = isLoopback(new URL(url).hostname) ? { proxy: false as const } : {};
  return await fetch(url, { ...init, ...proxy, signal: AbortSignal.timeout(PLAIN_MS) });
}

/** True for an answer that asks for a token (RFC 6750); old servers do not say which kind. */
export function wantsLogin(response: Response): boolean {
  return response.status === 401 && /^(bearer\b|$)/i.test(challengeOf(response));
}

/** The scope that a token lacks (RFC 6750, section 3.1); null when that is not what is wrong. */
export function missingRights(response: Response): string | null {
  const challenge = challengeOf(response);
  if (response.status !== 403 || !/error="?insufficient_scope/.test(challenge)) return null;
  return /scope="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"/.exec(challenge)?.[1] ?? "";
}

function challengeOf(response: Response): string {
  return response.headers.get("www-authenticate") ?? "";
}

function withToken(wanted: WebRequest, token: string | null): WebRequest {
  if (token === null) return wanted;
  return { ...wanted, headers: { ...wanted.headers, authorization: `Bearer ${token}` } };
}

/** "text/event-stream" of "Text/Event-Stream; charset=utf-8". */
export function mediaType(response: Response): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

export function isStream(response: Response): boolean {
  return response.ok && mediaType(response) === "text/event-stream";
}

/** Lets go of a body that nobody wants. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

const STRANGER =
  "its certificate is signed by nobody this machine trusts (NODE_EXTRA_CA_CERTS may name more)";
/** What goes wrong before anything of a request has left. */
const UNDELIVERED: ReadonlyMap<string, string> = new Map([
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", STRANGER],
  ["ECONNREFUSED", "the connection was refused, nothing listens there"],
  ["EHOSTUNREACH", "there is no way to that host"],
  ["ENETUNREACH", "there is no way to that network"],
  ["ENOTFOUND", "there is no host of that name"],
  ["ERR_PROXY_TUNNEL", "the proxy does not let us through"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another host"],
  ["SELF_SIGNED_CERT_IN_CHAIN", STRANGER],
  ["UNABLE_TO_GET_ISSUER_CERT", STRANGER],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", STRANGER],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", STRANGER],
]);
const CUT_OFF: ReadonlyMap<string, string> = new Map([
  ["ECONNRESET", "the connection was closed before the answer was complete"],
  ["ETIMEDOUT", "the connection timed out"],
  ["Malformed_HTTP_Response", "what answers there is not HTTP"],
]);

/**
 * Why a connection came to nothing, in words for people; the runtime's own, without its advice and
 * without the address, which may hold a secret, when they are not known.
 */
export function networkReason(error: unknown): string {
  const code = errorCode(error);
  const known = UNDELIVERED.get(code) ?? CUT_OFF.get(code);
  if (known !== undefined) return known;
  const text = reasonOf(error);
  return text.replace(/ fetching ".*/s, "").replace(/\. For more information.*/s, "");
}

/** The message of a JSON-RPC error, or the text itself. */
function rpcMessage(body: string): string {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === "string" ? error.message : body;
  } catch {
    return body;
  }
}
