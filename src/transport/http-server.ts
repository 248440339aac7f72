import { decode, decodeBatch, isBatch, isMalformed, type Malformed } from "../core/decode.ts";
import { BATCH_REVISION, LEGACY_REVISIONS } from "../core/era.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import {
  type Accepted,
  accepted,
  isJson,
  openingOf,
  refusal,
  sees,
  upstreamIn,
  type Visit,
  wrongMethod,
} from "./accept.ts";
import { Batch } from "./batch.ts";
import { readText } from "./body.ts";
import type { Channel, Desk, SessionPort } from "./door.ts";
import type { EventLog, LoggedStream } from "./event-log.ts";
import { eventResponse, type EventStream, type Gone } from "./event-stream.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { isModernMessage, isModernVisit, ModernDoor, modernStatus } from "./modern-http.ts";
import { nowhere, PostChannel } from "./post-channel.ts";

export type DoorOptions = {
  readonly desk: Desk;
  readonly heartbeat: Heartbeat;
  /** What all doors keep for clients that come back. */
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Log;
  /** What a client may send in one body; read for every request, because the config may change. */
  readonly messageBytesMax: () => number;
};

const path = "/mcp";

/**
 * Streamable HTTP of the legacy revisions (MCP 2025-03-26 to 2025-11-25, basic/transports), on
 * /mcp and /mcp/<upstream>. By these revisions, closing a response is not a cancel.
 */
export class HttpDoor {
  readonly #options: DoorOptions;
  readonly #modern: ModernDoor;
  readonly #log: EventLog;
  /** The one GET stream of each session, by its id. */
  readonly #listening = new Map<string, EventStream>();

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#log = options.events;
    this.#modern = new ModernDoor(options.desk, (visit, accept) =>
      this.#channel(visit, accept, { session: null, statusOf: modernStatus }),
    );
  }

  handle(visit: Visit): Response | Promise<Response> {
    const upstream = upstreamIn(visit.path, path);
    if (upstream === undefined)
      return refusal(fault("door.unknown", `No such path: ${visit.path}`));
    switch (visit.request.method) {
      case "POST":
        return this.#post(visit, upstream);
      case "GET":
        return this.#get(visit, upstream);
      case "DELETE":
        return this.#delete(visit, upstream);
      default:
        return wrongMethod(visit.request.method, visit.path, "GET, POST, DELETE");
    }
  }

  /** Ends all GET streams, so that the server can stop. */
  close(): void {
    for (const stream of this.#listening.values()) stream.end();
    this.#listening.clear();
  }

  async #post(visit: Visit, upstream: string | null): Promise<Response> {
    const { headers } = visit.request;
    if (!isJson(headers.get("content-type"))) {
      return refusal(fault("door.media", "Cannot read the body: its Content-Type is not JSON"));
    }
    const accept = accepted(headers.get("accept"));
    if (!accept.json && !accept.events) return refusal(fault("door.accept"));
    const modern = isModernVisit(visit);
    const session = modern ? undefined : this.#session(visit, upstream);
    if (isFault(session)) return refusal(session);
    const text = await readText(visit.request, this.#options.messageBytesMax());
    if (typeof text !== "string") return refusal(text);
    if (session?.protocolVersion === BATCH_REVISION && isBatch(text)) {
      return this.#batch(session, decodeBatch(text), this.#channel(visit, accept, { session }));
    }
    const message = decode(text);
    if (isMalformed(message)) return refusal(message.fault, message.id);
    if (modern || (session === undefined && isModernMessage(message))) {
      return this.#modern.handle(visit, accept, upstream, message);
    }
    if (session === undefined) return this.#initialize(visit, accept, upstream, message);
    if (message.kind !== "request") {
      session.receive(message, nowhere);
      return new Response(null, { status: 202 });
    }
    const channel = this.#channel(visit, accept, { session });
    session.receive(message, channel);
    return channel.response();
  }

  async #initialize(
    visit: Visit,
    accept: Accepted,
    upstream: string | null,
    message: Message,
  ): Promise<Response> {
    if (message.kind !== "request" || message.method !== "initialize") {
      const id = message.kind === "request" ? message.id : null;
      return refusal(fault("session.missing"), id);
    }
    const opening = openingOf(visit, upstream, "http");
    if (isFault(opening)) return refusal(opening, message.id);
    const session = this.#options.desk.open(opening);
    if (isFault(session)) return refusal(session, message.id);
    const channel = this.#channel(visit, accept, { session, sessionId: session.id });
    session.receive(message, channel);
    const response = await channel.response();
    if (!channel.streaming && session.protocolVersion === null) {
      // Refused: there is no session to come back to.
      session.close();
      response.headers.delete("mcp-session-id");
    }
    return response;
  }

  async #batch(
    session: SessionPort,
    messages: readonly (Message | Malformed)[],
    channel: PostChannel,
  ): Promise<Response> {
    if (messages.length > LIMITS.batchMessages) {
      const text = `The batch is too long: the limit is ${LIMITS.batchMessages} messages`;
      return refusal(fault("message.invalid", text));
    }
    const checked = messages.map(forbidInitialize);
    const broken = checked.filter(isMalformed);
    const requests = checked.filter((message) => message.kind === "request").length;
    const batch = new Batch(channel, requests, broken);
    for (const message of checked) {
      if (isMalformed(message)) continue;
      session.receive(message, message.kind === "request" ? batch.member() : nowhere);
    }
    if (requests > 0) return channel.response();
    if (broken.length === 0) return new Response(null, { status: 202 });
    const errors = broken.map((one) => encode(faultResponse(one.id, one.fault)));
    const headers = { "content-type": "application/json" };
    return new Response(`[${errors.join(",")}]`, { status: 400, headers });
  }

  #get(visit: Visit, upstream: string | null): Response {
    const { request } = visit;
    if (isModernVisit(visit)) return wrongMethod("GET", visit.path, "POST");
    // Several clients ask before `initialize` whether there is a stream: 405 is the quiet answer.
    if (!request.headers.has("mcp-session-id")) {
      return wrongMethod("GET without Mcp-Session-Id", visit.path, "POST");
    }
    if (!accepted(request.headers.get("accept")).events) {
      return refusal(fault("door.accept", "Cannot open a stream: Accept has no text/event-stream"));
    }
    const session = this.#session(visit, upstream);
    if (session === undefined) return refusal(fault("session.missing"));
    if (isFault(session)) return refusal(session);
    const eventId = request.headers.get("last-event-id");
    const found = eventId === null ? undefined : this.#log.find(session.id, eventId);
    return found?.stream.answers === true
      ? this.#resume(visit, found.stream, found.after)
      : this.#listen(visit, session, found);
  }

  /** Goes on with the answer to a POST whose connection broke. */
  #resume(visit: Visit, stream: LoggedStream, after: number): Response {
    const connection = stream.connect(after, (why) => this.#lost(visit, why));
    connection.comment();
    return eventResponse(connection, null);
  }

  /** Opens the stream for what belongs to no request, or goes on with it. */
  #listen(
    visit: Visit,
    session: SessionPort,
    found: { readonly stream: LoggedStream; readonly after: number } | undefined,
  ): Response {
    this.#listening.get(session.id)?.end();
    const stream = found?.stream ?? this.#log.standing(session);
    const connection = stream.connect(found?.after ?? null, (why) => {
      unlisten();
      if (this.#listening.get(session.id) === connection) this.#listening.delete(session.id);
      this.#lost(visit, why);
    });
    const channel: Channel = {
      streams: true,
      mustAnswer: false,
      write: (text) => stream.send(text),
    };
    const unlisten = session.listen(channel);
    this.#listening.set(session.id, connection);
    connection.comment();
    return eventResponse(connection, null);
  }

  #delete(visit: Visit, upstream: string | null): Response {
    if (isModernVisit(visit)) return wrongMethod("DELETE", visit.path, "POST");
    const session = this.#session(visit, upstream);
    if (session === undefined) return refusal(fault("session.missing"));
    if (isFault(session)) return refusal(session);
    this.#listening.get(session.id)?.end();
    this.#listening.delete(session.id);
    this.#log.forget(session.id);
    session.close();
    return new Response(null, { status: 200 });
  }

  /** The session the headers name, undefined when they name none. */
  #session(visit: Visit, upstream: string | null): SessionPort | Fault | undefined {
    const { headers } = visit.request;
    const id = headers.get("mcp-session-id");
    const version = headers.get("mcp-protocol-version");
    if (version !== null && !LEGACY_REVISIONS.includes(version)) {
      const known = LEGACY_REVISIONS.join(", ");
      const text = `Unsupported MCP-Protocol-Version ${version}: supported are ${known}`;
      return fault("door.version", text);
    }
    if (id === null) return undefined;
    const session = this.#options.desk.find(id, visit.principal, "http");
    if (isFault(session)) return session;
    return sees(session, upstream) ? session : fault("session.unknown");
  }

  #channel(
    visit: Visit,
    accept: Accepted,
    about: {
      readonly session: SessionPort | null;
      readonly sessionId?: string;
      readonly statusOf?: (text: string) => number;
    },
  ): PostChannel {
    const { session, sessionId = null, statusOf = null } = about;
    return new PostChannel({
      accepted: accept,
      heartbeat: this.#options.heartbeat,
      log: this.#log,
      session,
      sessionId,
      statusOf,
      gone: (why) => this.#lost(visit, why),
    });
  }

  #lost(visit: Visit, why: Gone): void {
    if (why === "left") return;
    this.#options.log.warning("Cut off a client that does not read its event stream");
    visit.runtime.hangUp(visit.request);
  }
}

function forbidInitialize(message: Message | Malformed): Message | Malformed {
  if (message.kind !== "request" || message.method !== "initialize") return message;
  const problem = fault("message.invalid", "Cannot initialize: the request is part of a batch");
  return { kind: "malformed", id: message.id, fault: problem };
}
