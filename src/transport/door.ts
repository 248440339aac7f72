import type { Fault } from "../core/fault.ts";
import type { Message } from "../core/message.ts";

/**
 * Where answers to one client go: the response of one POST, an SSE stream, a socket. Written to by
 * the desk, drained by a door.
 */
export interface Channel {
  /**
   * Queues one JSON-RPC message. `last` means that nothing follows which belongs to the request the
   * channel was opened for. A channel whose client has gone drops it silently.
   */
  write(text: string, last: boolean): void;
  /** False when the client can get only the final answer here (no stream), so progress is useless. */
  readonly streams: boolean;
}

/** Which upstreams a session sees: all of them merged, or one with its names untouched. */
export type View = { readonly kind: "all" } | { readonly kind: "one"; readonly upstream: string };

/** What a door knows about a client that asks for a session. */
export type Opening = {
  readonly view: View;
  /** Who is asking: the API key's owner ("key"), the socket's owner ("socket") or "anyone". */
  readonly principal: string;
  /** Absolute project root the client named, or null. */
  readonly project: string | null;
  readonly door: "http" | "sse" | "ws" | "socket" | "stdio";
};

/** One live session as a door sees it. */
export interface SessionPort {
  readonly id: string;
  readonly view: View;
  /** The negotiated protocol revision; null before `initialize` is answered. */
  readonly protocolVersion: string | null;
  /**
   * Takes one message of the client. Answers to a request, and what belongs to it, go to `channel`;
   * exactly one write with last = true follows for each request, none for anything else.
   */
  receive(message: Message, channel: Channel): void;
  /** Makes `channel` the place for what belongs to no request, until the returned function is called. */
  listen(channel: Channel): () => void;
  /** Ends the session: its requests in flight are cancelled upstream. */
  close(): void;
}

/** What every door needs of the program behind it. */
export interface Desk {
  /** Opens a session, or says why not (unknown upstream, too many sessions). */
  open(opening: Opening): SessionPort | Fault;
  /** The session of that id if it belongs to that principal. */
  find(sessionId: string, principal: string): SessionPort | undefined;
}
