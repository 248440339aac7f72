import type { Channel } from "../core/effect.ts";
import type { Envelope } from "../core/envelope.ts";
import type { Fault } from "../core/fault.ts";
import type { Message } from "../core/message.ts";
import type { Door, View } from "../core/session.ts";

export type { Channel } from "../core/effect.ts";
export type { View } from "../core/session.ts";

/** What a door knows about a client that asks for a session. */
export type Opening = {
  readonly view: View;
  /** Who is asking: the API key's owner ("key"), the socket's owner ("socket") or "anyone". */
  readonly principal: string;
  /** Absolute project root the client named, or null. */
  readonly project: string | null;
  /** What a modern request says about its client: the session lasts for that request. */
  readonly envelope?: Envelope;
  readonly door: Door;
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
  /**
   * Makes `channel` the place for what belongs to no request, until the returned function is
   * called.
   */
  listen(channel: Channel): () => void;
  /** Ends what is in flight; the client may still come back to the session. */
  sleep(): void;
  /** Ends the session: its requests in flight are cancelled upstream. */
  close(): void;
}

/** What every door needs of the program behind it. */
export interface Desk {
  /** Opens a session, or says why not (unknown upstream, too many sessions). */
  open(opening: Opening): SessionPort | Fault;
  /**
   * The session of that id if it is that principal's and was opened at that door; it may be of an
   * earlier daemon. Else session.unknown, or why nobody is let in just now.
   */
  find(sessionId: string, principal: string, door: Door): SessionPort | Fault;
}
