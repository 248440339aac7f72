import { LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../lib/clock.ts";
import type { SessionPort } from "./door.ts";
import type { Connection, EventLog, LoggedStream } from "./event-log.ts";

/**
 * All that one session is sent, where one stream carries it all (HTTP+SSE, WebSocket). It outlives
 * its connections: a client that comes back within LIMITS.awayMs finds its requests still in
 * flight, a later one the session.
 */
export class SessionStream {
  #session: SessionPort;
  readonly #stream: LoggedStream;
  readonly #clock: Clock;
  readonly #over: () => void;
  #unlisten: () => void = () => undefined;
  #away: Timer | null = null;

  constructor(session: SessionPort, stream: LoggedStream, clock: Clock, over: () => void) {
    this.#session = session;
    this.#stream = stream;
    this.#clock = clock;
    this.#over = over;
    this.#wait();
  }

  readonly send = (text: string): void => this.#stream.send(text);

  get session(): SessionPort {
    return this.#session;
  }

  /** For an event that lets a client come back which has got no other. */
  get head(): string {
    return this.#stream.head;
  }

  /** Puts it on a connection, after the event the client names if it does. */
  carry(connection: Connection, after: number | null = null): void {
    this.#stream.carry(connection, after);
    this.#away?.cancel();
    this.#away = null;
    this.#listen();
  }

  /** Its session has slept, and is this one now: what it was sent before is still to be had. */
  wake(session: SessionPort): void {
    if (session === this.#session) return;
    this.#session = session;
    if (this.#away === null) this.#listen();
    else this.#wait();
  }

  /** That connection is over; `farewell` when its client will not come back. */
  lost(connection: Connection, farewell: boolean): void {
    if (!this.#stream.drop(connection)) return;
    this.#unlisten();
    // Nobody comes back to what has not begun.
    if (farewell || this.session.protocolVersion === null) this.close();
    else this.#wait();
  }

  /** The number of an event the client names: 0 when it is of another stream. */
  numberOf(found: { readonly stream: LoggedStream; readonly after: number } | undefined): number {
    return found?.stream === this.#stream ? found.after : 0;
  }

  /** Its client has left for good. */
  close(): void {
    this.end();
    this.session.close();
  }

  /** Ends the connection; the session is somebody else's to end. */
  end(): void {
    this.#away?.cancel();
    this.#over();
    this.#unlisten();
    this.#stream.end();
  }

  #listen(): void {
    this.#unlisten();
    const { send: write } = this;
    this.#unlisten = this.session.listen({ streams: true, mustAnswer: false, write });
  }

  #wait(): void {
    this.#away?.cancel();
    this.#away = this.#clock.after(LIMITS.awayMs, () => {
      this.session.sleep();
      // Answers that came too late for the last connection wait for the next one.
      if (!this.#stream.unheard) return this.end();
      this.#away = this.#clock.after(LIMITS.eventLogMs, () => this.end());
    });
  }
}

/** The streams of a door, by the ids of their sessions. */
export class SessionStreams {
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #resumable: boolean;
  readonly #open = new Map<string, SessionStream>();

  /** `resumable` when clients can ask again for what a connection was given. */
  constructor(
    parts: { readonly clock: Clock; readonly events: EventLog },
    { resumable }: { readonly resumable: boolean },
  ) {
    this.#clock = parts.clock;
    this.#log = parts.events;
    this.#resumable = resumable;
  }

  of(session: SessionPort): SessionStream {
    const known = this.#open.get(session.id);
    known?.wake(session);
    if (known !== undefined) return known;
    const logged = this.#log.whole(session, this.#resumable);
    const stream = new SessionStream(session, logged, this.#clock, () => {
      if (this.#open.get(session.id) === stream) this.#open.delete(session.id);
      this.#log.forget(session.id);
    });
    this.#open.set(session.id, stream);
    return stream;
  }

  /** Ends all connections, so that the server can stop. */
  close(): void {
    for (const stream of this.#open.values()) stream.end();
  }
}
