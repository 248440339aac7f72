import { decode, decodeBatch, isBatch, isMalformed, type Malformed } from "../core/decode.ts";
import { readEnvelope } from "../core/envelope.ts";
import { BATCH_REVISION } from "../core/era.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import {
  encode,
  faultResponse,
  type Message,
  type Notification,
  type Request,
  type RequestId,
} from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Opening, SessionPort } from "./door.ts";
import { isModernMessage, notSpoken } from "./modern-http.ts";
import { PacedChannel } from "./paced-channel.ts";

/** What a session needs of a wire that carries whole messages both ways. */
export type MessageWire = {
  readonly clock: Clock;
  readonly send: (text: string) => void;
};

/**
 * Opens a session for what the connection was made for, and lets it be heard; with an envelope, for
 * one request.
 */
type OpenSession = (envelope: Pick<Opening, "envelope">) => SessionPort | Fault;

/**
 * What one connection carries. In the legacy era that is one session, opened by its first message,
 * or before, and ended with it; in the modern era each request stands for itself.
 */
export class MessageSession {
  readonly #wire: MessageWire;
  readonly #openSession: OpenSession;
  #session: SessionPort | null = null;
  /** The modern requests in flight, each with the session that lives as long as it. */
  readonly #single = new Map<RequestId, SessionPort>();

  constructor(wire: MessageWire, openSession: OpenSession) {
    this.#wire = wire;
    this.#openSession = openSession;
  }

  /** Opens the session unless it is open, or says why not. */
  open(): SessionPort | Fault {
    if (this.#session !== null) return this.#session;
    const session = this.#openSession({});
    if (isFault(session)) return session;
    this.#session = session;
    return session;
  }

  /** Takes one message, or a batch of the one revision that has them. */
  receive(text: string): void {
    const batched = this.#session?.protocolVersion === BATCH_REVISION && isBatch(text);
    const messages = batched ? decodeBatch(text) : [decode(text)];
    if (messages.length > LIMITS.batchMessages) {
      const limit = `The batch is too long: the limit is ${LIMITS.batchMessages} messages`;
      return this.refuse(null, fault("message.invalid", limit));
    }
    for (const message of messages) this.#take(message);
  }

  /** Answers what cannot be taken. */
  refuse(id: RequestId | null, problem: Fault): void {
    this.#wire.send(encode(faultResponse(id, problem)));
  }

  close(): void {
    this.#session?.close();
    this.leave();
  }

  /** The connection is over, but not the session, which somebody else will end. */
  leave(): void {
    this.#session = null;
    for (const session of this.#single.values()) session.close();
    this.#single.clear();
  }

  #take(message: Message | Malformed): void {
    if (isMalformed(message)) return this.refuse(message.id, message.fault);
    if (message.kind === "request" && isModernMessage(message)) {
      const problem = this.#alone(message);
      return problem === null ? undefined : this.refuse(message.id, problem);
    }
    if (message.kind === "notification" && this.#cancels(message)) return undefined;
    const session = this.open();
    if (isFault(session)) {
      return this.refuse(message.kind === "request" ? message.id : null, session);
    }
    session.receive(message, new PacedChannel(this.#wire.clock, this.#wire.send));
  }

  /** Takes one request of the modern era, or says why not. */
  #alone(request: Request): Fault | null {
    const envelope = readEnvelope(request.params);
    if (isFault(envelope)) return envelope;
    if (this.#single.has(request.id)) return fault("message.duplicate-id");
    if (this.#single.size >= LIMITS.inFlightPerSession) return fault("session.busy");
    const session = notSpoken(envelope) ?? this.#openSession({ envelope });
    if (isFault(session)) return session;
    this.#single.set(request.id, session);
    const paced = new PacedChannel(this.#wire.clock, this.#wire.send);
    session.receive(request, {
      streams: true,
      mustAnswer: false,
      write: (text, last) => {
        // What was cancelled is not answered.
        if (this.#single.get(request.id) !== session) return;
        if (last) this.#single.delete(request.id);
        paced.write(text, last);
      },
    });
    return null;
  }

  /** Whether a notification has ended a request of the modern era. */
  #cancels({ method, params }: Notification): boolean {
    if (method !== "notifications/cancelled") return false;
    const id = params?.["requestId"];
    if (typeof id !== "string" && typeof id !== "number") return false;
    const session = this.#single.get(id);
    this.#single.delete(id);
    session?.close();
    return session !== undefined;
  }
}
