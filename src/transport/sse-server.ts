import { decode, decodeBatch, isBatch, isMalformed, type Malformed } from "../core/decode.ts";
import { BATCH_REVISION } from "../core/era.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message } from "../core/message.ts";
import type { Timer } from "../lib/clock.ts";
import {
  accepted,
  isJson,
  openingOf,
  refusal,
  sees,
  upstreamIn,
  type Visit,
  wrongMethod,
} from "./accept.ts";
import { readText } from "./body.ts";
import type { Channel } from "./door.ts";
import { eventResponse, EventStream } from "./event-stream.ts";
import type { DoorOptions } from "./http-server.ts";
import { PacedChannel } from "./paced-channel.ts";
import { nowhere } from "./post-channel.ts";
import { type SessionStream, SessionStreams } from "./session-stream.ts";

const streamPath = "/sse";
const messagesPath = "/messages/";
/** The id of an event: the session's, and that of the event in the log. */
const OUR_EVENT = /^([\w-]+)\.([\w-]+)$/;

/** A GET whose session is not known yet. */
type Stranger = { readonly visit: Visit; readonly client: SseClient; readonly patience: Timer };

/**
 * HTTP+SSE, the transport of 2024-11-05 (MCP, basic/transports): GET /sse or /sse/<upstream> opens
 * a session and its only stream, POST /messages/ sends to it, and every answer goes on the stream.
 * A client whose connection broke goes on with its session: it names the last event it has got, or,
 * as the official one forgets that, answers a ping by a POST to the place it was told before.
 */
export class SseDoor {
  readonly #options: DoorOptions;
  readonly #streams: SessionStreams;
  /** By the id of the ping. */
  readonly #strangers = new Map<string, Stranger>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#streams = new SessionStreams(options, { resumable: true });
  }

  /** GET /sse and /sse/<upstream>. */
  open(visit: Visit): Response {
    const { headers, method } = visit.request;
    const upstream = upstreamIn(visit.path, streamPath);
    if (upstream === undefined)
      return refusal(fault("door.unknown", `No such path: ${visit.path}`));
    if (method !== "GET") return wrongMethod(method, visit.path, "GET");
    if (!accepted(headers.get("accept")).events) {
      return refusal(fault("door.accept", "Cannot open a stream: Accept has no text/event-stream"));
    }
    const client = new SseClient(this.#options, visit);
    const [, sessionId, event] = OUR_EVENT.exec(headers.get("last-event-id") ?? "") ?? [];
    const problem =
      sessionId !== undefined && event !== undefined
        ? this.#resume(visit, client, sessionId, event)
        : headers.has("mcp-protocol-version")
          ? this.#greet(visit, client)
          : this.#begin(visit, client);
    if (problem === null) return eventResponse(client.connection, null);
    client.connection.end();
    return problem;
  }

  /** POST /messages/?session_id=... */
  async post(visit: Visit): Promise<Response> {
    const { request } = visit;
    if (request.method !== "POST") return wrongMethod(request.method, visit.path, "POST");
    if (!isJson(request.headers.get("content-type"))) {
      return refusal(fault("door.media", "Cannot read the body: its Content-Type is not JSON"));
    }
    const id = new URL(request.url).searchParams.get("session_id");
    if (id === null) {
      return refusal(fault("session.missing", "Cannot send: the URL has no session_id"));
    }
    const live = this.#find(id, visit);
    if (isFault(live)) return refusal(live);
    const text = await readText(request, this.#options.messageBytesMax());
    if (typeof text !== "string") return refusal(text);
    const batched = live.session.protocolVersion === BATCH_REVISION && isBatch(text);
    const messages = batched ? decodeBatch(text) : [decode(text)];
    if (messages.length > LIMITS.batchMessages) {
      const limit = `The batch is too long: the limit is ${LIMITS.batchMessages} messages`;
      return refusal(fault("message.invalid", limit));
    }
    const [only] = messages;
    if (!batched && only !== undefined && isMalformed(only)) return refusal(only.fault, only.id);
    for (const message of messages) {
      if (this.#introduces(message, live, visit.principal)) continue;
      if (isMalformed(message)) live.send(encode(faultResponse(message.id, message.fault)));
      else live.session.receive(message, this.#channelFor(message, live));
    }
    return new Response("Accepted", { status: 202 });
  }

  /** Ends all streams, so that the server can stop. */
  close(): void {
    for (const { client, patience } of this.#strangers.values()) {
      patience.cancel();
      client.connection.end();
    }
    this.#strangers.clear();
    this.#streams.close();
  }

  /** A new session; the way back to it is known from the first event. */
  #begin(visit: Visit, client: SseClient): Response | null {
    const opening = openingOf(visit, upstreamIn(visit.path, streamPath) ?? null, "sse");
    if (isFault(opening)) return refusal(opening);
    const session = this.#options.desk.open(opening);
    if (isFault(session)) return refusal(session);
    const live = this.#streams.of(session);
    client.connection.send(endpointFor(visit, session.id), `event: endpoint\n${live.head}`);
    client.become(live, null);
    return null;
  }

  #resume(visit: Visit, client: SseClient, sessionId: string, event: string): Response | null {
    const found = this.#find(sessionId, visit);
    if (isFault(found)) return found.code === "session.unknown" ? refusal(found) : comeBack();
    if (!isFor(visit, found)) return refusal(fault("session.unknown"));
    client.become(found, found.numberOf(this.#options.events.find(sessionId, event)));
    // The headers of a stream that has nothing to say go out with this.
    client.connection.comment();
    return null;
  }

  /** Asks a client that is past its handshake who it is; one that does not say is a new one. */
  #greet(visit: Visit, client: SseClient): null {
    const id = crypto.randomUUID();
    const patience = this.#options.clock.after(LIMITS.introductionMs, () => {
      this.#strangers.delete(id);
      if (!client.gone && this.#begin(visit, client) !== null) client.connection.end();
    });
    this.#strangers.set(id, { visit, client, patience });
    client.connection.send(encode({ kind: "request", id, method: "ping", params: undefined }));
    return null;
  }

  /** Whether a message is the answer of a client that was asked who it is. */
  #introduces(message: Message | Malformed, live: SessionStream, principal: string): boolean {
    if (message.kind !== "response") return false;
    const stranger = this.#strangers.get(String(message.id));
    if (stranger?.visit.principal !== principal || !isFor(stranger.visit, live)) return false;
    this.#strangers.delete(String(message.id));
    stranger.patience.cancel();
    stranger.client.become(live, null);
    return true;
  }

  #find(sessionId: string, { principal }: Visit): SessionStream | Fault {
    const session = this.#options.desk.find(sessionId, principal, "sse");
    return isFault(session) ? session : this.#streams.of(session);
  }

  #channelFor(message: Message, live: SessionStream): Channel {
    if (message.kind !== "request") return nowhere;
    return new PacedChannel(this.#options.clock, live.send);
  }
}

/** The client of one GET. */
class SseClient {
  readonly connection: EventStream;
  /** Its connection is over. */
  gone = false;
  #live: SessionStream | null = null;

  constructor({ heartbeat, log }: DoorOptions, { runtime, request }: Visit) {
    this.connection = new EventStream(heartbeat, (why) => {
      this.gone = true;
      this.#live?.lost(this.connection, false);
      if (why === "left") return;
      log.warning("Cut off a client that does not read its event stream");
      runtime.hangUp(request);
    });
  }

  /** Its session is known: the stream of it goes on here, after an event if one is named. */
  become(live: SessionStream, after: number | null): void {
    this.#live = live;
    live.carry(this.connection, after);
    if (this.gone) live.lost(this.connection, false);
  }
}

/** Whether a session is of the view that a path names. */
function isFor(visit: Visit, { session }: SessionStream): boolean {
  return sees(session, upstreamIn(visit.path, streamPath) ?? null);
}

/** A stream that is over at once: after any other answer an EventSource would not come back. */
function comeBack(): Response {
  return new Response(`retry: ${LIMITS.eventRetryMs}\n\n`, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

/** Where to POST. A client that has its key in the URL cannot set headers: the key goes along. */
function endpointFor(visit: Visit, sessionId: string): string {
  const query = new URLSearchParams({ session_id: sessionId });
  const key = new URL(visit.request.url).searchParams.get("api_key");
  if (key !== null) query.set("api_key", key);
  return `${messagesPath}?${query}`;
}
