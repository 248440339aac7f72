import { decode, decodeBatch, isBatch, isMalformed } from "../core/decode.ts";
import { BATCH_REVISION } from "../core/era.ts";
import { fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message } from "../core/message.ts";
import {
  accepted,
  isJson,
  openingOf,
  refusal,
  upstreamIn,
  type Visit,
  wrongMethod,
} from "./accept.ts";
import { readText } from "./body.ts";
import type { Channel, SessionPort } from "./door.ts";
import { eventResponse, EventStream, type Gone } from "./event-stream.ts";
import type { DoorOptions } from "./http-server.ts";
import { PacedChannel } from "./paced-channel.ts";
import { nowhere } from "./post-channel.ts";

type Live = {
  readonly session: SessionPort;
  readonly principal: string;
  readonly stream: EventStream;
};

const streamPath = "/sse";
const messagesPath = "/messages/";

/**
 * HTTP+SSE, the transport of 2024-11-05 (MCP, basic/transports): GET /sse or /sse/<upstream> opens
 * a session and its only stream, POST /messages/ sends to it. Every answer goes on the stream, and
 * the end of the stream is the end of the session.
 */
export class SseDoor {
  readonly #options: DoorOptions;
  readonly #live = new Map<string, Live>();

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** GET /sse and /sse/<upstream>. */
  open(visit: Visit): Response {
    const { request } = visit;
    const upstream = upstreamIn(visit.path, streamPath);
    if (upstream === undefined)
      return refusal(fault("door.unknown", `No such path: ${visit.path}`));
    if (request.method !== "GET") return wrongMethod(request.method, visit.path, "GET");
    if (!accepted(request.headers.get("accept")).events) {
      return refusal(fault("door.accept", "Cannot open a stream: Accept has no text/event-stream"));
    }
    const opening = openingOf(visit, upstream, "sse");
    if (isFault(opening)) return refusal(opening);
    const session = this.#options.desk.open(opening);
    if (isFault(session)) return refusal(session);
    const stream = new EventStream(this.#options.heartbeat, (why) =>
      this.#lost(visit, session, why),
    );
    this.#live.set(session.id, { session, principal: visit.principal, stream });
    session.listen({
      streams: true,
      mustAnswer: false,
      write: (text) => void stream.send(text),
    });
    stream.send(endpointFor(visit, session.id), "event: endpoint\n");
    return eventResponse(stream, null);
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
    const live = this.#live.get(id);
    if (live?.principal !== visit.principal) return refusal(fault("session.unknown"));
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
      if (isMalformed(message)) live.stream.send(encode(faultResponse(message.id, message.fault)));
      else live.session.receive(message, this.#channelFor(message, live.stream));
    }
    return new Response("Accepted", { status: 202 });
  }

  /** Ends all streams and their sessions, so that the server can stop. */
  close(): void {
    for (const { session, stream } of this.#live.values()) {
      session.close();
      stream.end();
    }
    this.#live.clear();
  }

  #channelFor(message: Message, stream: EventStream): Channel {
    if (message.kind !== "request") return nowhere;
    return new PacedChannel(this.#options.clock, (text) => void stream.send(text));
  }

  #lost(visit: Visit, session: SessionPort, why: Gone): void {
    this.#live.delete(session.id);
    session.close();
    if (why === "left") return;
    this.#options.log.warning("Cut off a client that does not read its event stream");
    visit.runtime.hangUp(visit.request);
  }
}

/** Where to POST. A client that has its key in the URL cannot set headers: the key goes along. */
function endpointFor(visit: Visit, sessionId: string): string {
  const query = new URLSearchParams({ session_id: sessionId });
  const key = new URL(visit.request.url).searchParams.get("api_key");
  if (key !== null) query.set("api_key", key);
  return `${messagesPath}?${query}`;
}
