import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../lib/clock.ts";
import { eventFrame, EventStream, type Gone } from "./event-stream.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";

/** One event that a client may ask for again. */
type Entry = {
  readonly stream: LoggedStream;
  readonly number: number;
  readonly text: string;
  readonly bytes: number;
  /** Monotonic milliseconds. */
  readonly atMs: number;
};

/** What is kept of one session, oldest first. */
type Kept = {
  readonly streams: Map<number, LoggedStream>;
  readonly entries: Set<Entry>;
  bytes: number;
};

/** The revision from which on a stream begins with an event that is empty but for its id. */
const PRIMED_SINCE = "2025-11-25";

/** What a logged stream needs to know of its session. */
export type LoggedSession = { readonly id: string; readonly protocolVersion: string | null };

type StreamKind = {
  /** True for the stream of an answer, which ends with it. */
  readonly answers: boolean;
  /** Whether it begins with an event that is empty but for its id. */
  readonly primed: boolean;
  /** What each id begins with. */
  readonly lead: string;
  /** Whether its client can ask for what a connection was given: not on a wire without ids. */
  readonly resumable: boolean;
};

/** What carries a stream for a while; `head` has lines of an event, for wires that have events. */
export interface Connection {
  send(text: string, head: string): unknown;
  end(): void;
}

/**
 * What sessions were sent on event streams, kept for a while: a client whose connection broke can
 * go on where it was (MCP 2025-11-25, basic/transports, "Resumability and Redelivery"). Bounded in
 * bytes and age; a session whose streams are silent has nothing here.
 */
export class EventLog implements Beating {
  readonly #clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly #sessions = new Map<string, Kept>();
  /** Of all sessions, oldest first. */
  readonly #entries = new Set<Entry>();
  /** An id given out by another daemon must not mean anything here. */
  readonly #mark = crypto.randomUUID().slice(0, 8);
  #bytes = 0;
  #lastNumber = 0;

  constructor(clock: Clock, heartbeat: Heartbeat) {
    this.#clock = clock;
    this.heartbeat = heartbeat;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The stream of an answer, which can be asked for from its beginning until it is over. */
  answer(session: LoggedSession): LoggedStream {
    const stream = this.#stream(session, { answers: true, lead: "", resumable: true });
    this.#kept(session.id).streams.set(stream.number, stream);
    return stream;
  }

  /** The stream for what belongs to no request: it can be asked for once it has carried some. */
  standing(session: LoggedSession): LoggedStream {
    return this.#stream(session, { answers: false, lead: "", resumable: true });
  }

  /** The only stream of a session: the ids of its events lead to the session as well. */
  whole(session: LoggedSession, resumable: boolean): LoggedStream {
    return this.#stream(session, { answers: false, lead: `${session.id}.`, resumable });
  }

  /** The stream an event belongs to and the number of the event; undefined for an unknown id. */
  find(sessionId: string, eventId: string): { stream: LoggedStream; after: number } | undefined {
    const [mark, stream, number] = eventId.split("-");
    if (mark !== this.#mark || !/^\d{1,15}$/.test(number ?? "")) return undefined;
    const found = this.#sessions.get(sessionId)?.streams.get(Number(stream));
    return found && { stream: found, after: Number(number) };
  }

  /** The session has ended: nobody will ask. */
  forget(sessionId: string): void {
    const kept = this.#sessions.get(sessionId);
    if (kept === undefined) return;
    for (const entry of kept.entries) this.#drop(entry, kept);
    this.#sessions.delete(sessionId);
  }

  beat(): void {
    const limitMs = this.#clock.monotonic() - LIMITS.eventLogMs;
    for (const entry of this.#entries) {
      if (entry.atMs >= limitMs) break;
      this.#evict(entry);
    }
  }

  /** For a stream: keeps an event and gives its id as a line of the frame. */
  keep(stream: LoggedStream, number: number, text: string): string {
    const kept = this.#kept(stream.sessionId);
    kept.streams.set(stream.number, stream);
    const bytes = Buffer.byteLength(text);
    const entry = { stream, number, text, bytes, atMs: this.#clock.monotonic() };
    if (this.#entries.size === 0) this.heartbeat.add(this);
    this.#entries.add(entry);
    kept.entries.add(entry);
    stream.entries.push(entry);
    kept.bytes += bytes;
    this.#bytes += bytes;
    for (const old of kept.entries) {
      if (kept.bytes <= LIMITS.eventLogSessionBytes || old === entry) break;
      this.#evict(old);
    }
    for (const old of this.#entries) {
      if (this.#bytes <= LIMITS.eventLogBytes || old === entry) break;
      this.#evict(old);
    }
    return this.idLine(stream, number);
  }

  idLine(stream: LoggedStream, number: number): string {
    return `id: ${stream.lead}${this.#mark}-${stream.number}-${number}\n`;
  }

  /** For a stream: it carries nothing more, so it goes with its last event. */
  ended(stream: LoggedStream): void {
    const kept = this.#sessions.get(stream.sessionId);
    if (kept !== undefined) this.#forgetSilent(stream, kept);
  }

  #stream(session: LoggedSession, kind: Omit<StreamKind, "primed">): LoggedStream {
    const primed = (session.protocolVersion ?? "") >= PRIMED_SINCE;
    this.#lastNumber += 1;
    return new LoggedStream(this, session.id, this.#lastNumber, { ...kind, primed });
  }

  #kept(sessionId: string): Kept {
    let kept = this.#sessions.get(sessionId);
    if (kept === undefined) {
      kept = { streams: new Map(), entries: new Set(), bytes: 0 };
      this.#sessions.set(sessionId, kept);
    }
    return kept;
  }

  #evict(entry: Entry): void {
    const kept = this.#sessions.get(entry.stream.sessionId);
    if (kept === undefined) return;
    this.#drop(entry, kept);
    this.#forgetSilent(entry.stream, kept);
  }

  #drop(entry: Entry, kept: Kept): void {
    this.#entries.delete(entry);
    kept.entries.delete(entry);
    // The oldest of all is the oldest of its stream.
    entry.stream.entries.shift();
    kept.bytes -= entry.bytes;
    this.#bytes -= entry.bytes;
    if (this.#entries.size === 0) this.heartbeat.remove(this);
  }

  #forgetSilent(stream: LoggedStream, kept: Kept): void {
    if (stream.entries.length > 0 || stream.awaited) return;
    kept.streams.delete(stream.number);
    if (kept.streams.size === 0) this.#sessions.delete(stream.sessionId);
  }
}

/** One event stream of a session, over as many connections as it takes. */
export class LoggedStream {
  readonly sessionId: string;
  readonly number: number;
  /** What the log keeps of it, oldest first. */
  readonly entries: Entry[] = [];
  readonly answers: boolean;
  readonly lead: string;
  readonly #log: EventLog;
  readonly #primed: boolean;
  readonly #resumable: boolean;
  #last = 0;
  /** The last that was given to a connection. */
  #given = 0;
  #over = false;
  #connection: Connection | null = null;

  constructor(log: EventLog, sessionId: string, number: number, kind: StreamKind) {
    this.#log = log;
    this.sessionId = sessionId;
    this.number = number;
    this.answers = kind.answers;
    this.lead = kind.lead;
    this.#primed = kind.primed;
    this.#resumable = kind.resumable;
  }

  /** The lines of an event that tell where the stream is, and when to come back. */
  get head(): string {
    return `${this.#log.idLine(this, this.#last)}retry: ${LIMITS.eventRetryMs}\n`;
  }

  /** Whether something is kept that no connection has been given. */
  get unheard(): boolean {
    return (this.entries.at(-1)?.number ?? 0) > this.#given;
  }

  /** True while an answer is still to come on it. */
  get awaited(): boolean {
    return this.answers && !this.#over;
  }

  /**
   * Puts the stream on an event stream and sends what came after that event; without one, the event
   * that lets its client come back. `gone` is told when the connection is over before the stream.
   */
  connect(after: number | null, gone: (why: Gone) => void): EventStream {
    const first = this.#missed(after ?? this.#given).map(({ number, text }) =>
      eventFrame(text, this.#log.idLine(this, number)),
    );
    if (after === null && this.#primed) first.unshift(eventFrame("", this.head));
    const connection = new EventStream(
      this.#log.heartbeat,
      (why) => {
        this.drop(connection);
        gone(why);
      },
      first.join(""),
    );
    this.#put(connection);
    return connection;
  }

  /** The same for any connection; without an event, it gets what none has been given. */
  carry(connection: Connection, after: number | null): void {
    for (const { number, text } of this.#missed(after ?? this.#given)) {
      connection.send(text, this.#log.idLine(this, number));
    }
    this.#put(connection);
  }

  /** That connection is over; false when the stream was on another by then. */
  drop(connection: Connection): boolean {
    if (this.#connection !== connection) return false;
    this.#connection = null;
    return true;
  }

  send(text: string): void {
    this.#last += 1;
    const connection = this.#connection;
    const kept = this.#resumable || connection === null;
    const id = kept ? this.#log.keep(this, this.#last, text) : "";
    if (connection === null) return;
    this.#given = this.#last;
    connection.send(text, id);
  }

  end(): void {
    this.#over = true;
    const last = this.#connection;
    this.#connection = null;
    last?.end();
    this.#log.ended(this);
  }

  #missed(after: number): readonly Entry[] {
    return this.entries.filter((entry) => entry.number > after);
  }

  #put(connection: Connection): void {
    const former = this.#connection;
    this.#connection = connection;
    this.#given = this.#last;
    // Its end may be told at once: it is not the stream's connection any more.
    former?.end();
    if (this.#over) connection.end();
  }
}
