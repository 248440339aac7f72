import type { Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import type { Params } from "./message.ts";
import type { CallRecord } from "./record.ts";
import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Where answers to one client go: the response of one POST, an SSE stream, a socket. The core only
 * hands it back in effects; writing is done outside.
 */
export interface Channel {
  /**
   * Queues one JSON-RPC message. `last` means that nothing follows which belongs to the request the
   * channel was opened for. A channel whose client has gone drops it silently.
   */
  write(text: string, last: boolean): void;
  /** The same for an answer in UTF-8, the last message; absent where the wire takes only text. */
  writeBytes?(bytes: Uint8Array<ArrayBuffer>): void;
  /**
   * False when the client can get only the final answer here (no stream), so progress is useless.
   */
  readonly streams: boolean;
  /**
   * True when every request must be answered here, even a cancelled one: an HTTP response has to
   * end.
   */
  readonly mustAnswer: boolean;
  /**
   * What the client of this request can do for a server, where its session cannot say so because
   * it is shared: mcpd's own for all that is asked at the control door.
   */
  readonly capabilities?: Params;
}

/** What the core wants done. The order matters. */
export type Effect =
  /** The final answer to one request of a client. */
  | { readonly kind: "answer"; readonly channel: Channel; readonly text: string }
  /** The same for a channel that takes bytes. */
  | {
      readonly kind: "answer-bytes";
      readonly channel: Channel;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  /** A notification that belongs to a request which is still open. */
  | { readonly kind: "note"; readonly channel: Channel; readonly text: string }
  /** A message that belongs to no request of the session. */
  | {
      readonly kind: "push";
      readonly session: Session;
      readonly text: string;
      /** Whether it waits for a client that does not listen just now: a log message does not. */
      readonly keep: boolean;
    }
  /** The session never came to be (its `initialize` failed): forget it. */
  | { readonly kind: "discard"; readonly session: Session }
  /** What a client's session consists of has changed: worth keeping for the next daemon. */
  | { readonly kind: "keep"; readonly session: Session }
  /** Goes down the pipe; an exchange whose message does not fit any more is settled as busy. */
  | {
      readonly kind: "send";
      readonly upstream: Upstream;
      readonly text: string;
      readonly exchange: Exchange | null;
    }
  /** Requests wait for this upstream: start it unless it is starting already. */
  | { readonly kind: "demand"; readonly upstream: Upstream }
  /** The handshake with the upstream is done. */
  | { readonly kind: "ready"; readonly upstream: Upstream }
  /** The upstream broke the handshake: end its process. */
  | { readonly kind: "refuse"; readonly upstream: Upstream; readonly problem: Fault }
  /** All that is to be known of it is known now: worth keeping for the next run. */
  | { readonly kind: "remember"; readonly upstream: Upstream }
  /** Nobody has used it for a while: end its process; the next demand starts another. */
  | { readonly kind: "rest"; readonly upstream: Upstream }
  /** A replaced upstream has answered its last request: end its process. */
  | { readonly kind: "drained"; readonly upstream: Upstream }
  /** The lists of its replicas differ, or null: they do not any more. */
  | { readonly kind: "disagree"; readonly upstream: Upstream; readonly text: string | null }
  | { readonly kind: "record"; readonly record: CallRecord }
  /** The upstream did something the protocol does not allow; it was ignored. */
  | { readonly kind: "oddity"; readonly upstream: Upstream; readonly text: string };

/** One event being handled: the time it happened and what is to be done about it. */
export class Turn {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  readonly effects: Effect[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  add(effect: Effect): void {
    this.effects.push(effect);
  }
}
