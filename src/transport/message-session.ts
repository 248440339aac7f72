import { decode, decodeBatch, isBatch, isMalformed, type Malformed } from "../core/decode.ts";
import { BATCH_REVISION } from "../core/era.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import { LIMITS } from "../core/limits.ts";
import { encode, faultResponse, type Message, type RequestId } from "../core/message.ts";
import type { Clock } from "../lib/clock.ts";
import type { Channel, SessionPort } from "./door.ts";
import { PacedChannel } from "./paced-channel.ts";

/** What a session needs of a wire that carries whole messages both ways. */
export type MessageWire = {
  readonly clock: Clock;
  readonly send: (text: string) => void;
};

/** The MCP session of one connection: opened by its first message, or before, and ended with it. */
export class MessageSession {
  readonly #wire: MessageWire;
  readonly #openSession: () => SessionPort | Fault;
  #session: SessionPort | null = null;

  constructor(wire: MessageWire, openSession: () => SessionPort | Fault) {
    this.#wire = wire;
    this.#openSession = openSession;
  }

  /** Opens the session unless it is open, or says why not. */
  open(): SessionPort | Fault {
    if (this.#session !== null) return this.#session;
    const session = this.#openSession();
    if (isFault(session)) return session;
    this.#session = session;
    const listener: Channel = { streams: true, mustAnswer: false, write: this.#wire.send };
    session.listen(listener);
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
    this.#session = null;
  }

  #take(message: Message | Malformed): void {
    if (isMalformed(message)) return this.refuse(message.id, message.fault);
    const session = this.open();
    if (isFault(session)) {
      return this.refuse(message.kind === "request" ? message.id : null, session);
    }
    session.receive(message, new PacedChannel(this.#wire.clock, this.#wire.send));
  }
}
