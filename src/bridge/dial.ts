import { LINE_BYTES_MAX, whyUnreachable } from "../control/client.ts";
import { openWire, type Wire } from "../control/wire.ts";
import { type Fault, fault } from "../core/fault.ts";
import { faultOf, type RpcError } from "../core/message.ts";
import { ByteLineSplitter } from "../lib/lines.ts";
import type { Conversation } from "./conversation.ts";
import { headOf } from "./head.ts";

/** Which servers the client of a bridge sees, and for which project. */
export type Attachment = { readonly upstream?: string; readonly project?: string };

/** A daemon that has taken up the conversation. */
export type Line = {
  readonly wire: Wire;
  /** Resolves when the connection is over. */
  readonly gone: Promise<void>;
};

/** What a line hears once the conversation has been taken up. */
export type LineEvents = {
  line(bytes: Uint8Array): void;
  /** All lines of one chunk have been told; it had so many bytes. */
  chunkEnd(bytes: number): void;
  drained(): void;
};

const ATTACH_KEY = '"mcpd-bridge"';

/**
 * Connects to the daemon, chooses what the client sees and opens the conversation anew if there was
 * one. The fault says why that did not work.
 */
export async function dial(
  address: string,
  attachment: Attachment,
  conversation: Conversation,
  events: LineEvents,
): Promise<Line | Fault> {
  const gone = Promise.withResolvers<void>();
  const greeting = new Greeting(conversation, events);
  const lines = new ByteLineSplitter(LINE_BYTES_MAX, {
    line: (bytes) => greeting.hears(bytes),
    tooLong: () => greeting.wire?.close(),
  });
  try {
    greeting.wire = await openWire(address, {
      data(chunk) {
        lines.push(chunk);
        events.chunkEnd(chunk.length);
      },
      drained: () => events.drained(),
      closed() {
        greeting.done(fault("daemon.unreachable", "The daemon went away at once"));
        gone.resolve();
      },
    });
  } catch (error) {
    return whyUnreachable(address, error);
  }
  const { wire } = greeting;
  const params = JSON.stringify(attachment);
  wire.send(`{"jsonrpc":"2.0","id":${ATTACH_KEY},"method":"mcpd/attach","params":${params}}`);
  const problem = await greeting.outcome;
  if (problem === null) return { wire, gone: gone.promise };
  wire.close();
  return problem;
}

type Answer = { readonly error?: RpcError };

/** The beginning of a connection: what is answered here is not for the client. */
class Greeting {
  wire: Wire | null = null;
  /** null once the daemon has taken up the conversation, or what went wrong. */
  readonly outcome: Promise<Fault | null>;
  readonly done: (problem: Fault | null) => void;
  readonly #conversation: Conversation;
  readonly #events: LineEvents;
  /** What the answer that is waited for answers; null when the greeting is over. */
  #key: string | null = ATTACH_KEY;

  constructor(conversation: Conversation, events: LineEvents) {
    this.#conversation = conversation;
    this.#events = events;
    const { promise, resolve } = Promise.withResolvers<Fault | null>();
    this.outcome = promise;
    this.done = resolve;
  }

  hears(bytes: Uint8Array): void {
    if (this.#key === null) return this.#events.line(bytes);
    const head = headOf(bytes);
    if (head.kind !== "response") return this.#events.line(bytes);
    if (head.id !== this.#key) return;
    const { error } = JSON.parse(new TextDecoder().decode(bytes)) as Answer;
    if (error === undefined) this.#next();
    else this.done(faultOf(error) ?? fault("internal", error.message));
  }

  /** Nothing of the client is sent before its session stands again. */
  #next(): void {
    const { opening } = this.#conversation;
    if (this.#key === ATTACH_KEY && opening !== null) {
      this.#key = opening.key;
      return this.wire?.send(opening.text);
    }
    this.#key = null;
    for (const text of this.#conversation.repeats()) this.wire?.send(text);
    this.done(null);
  }
}
