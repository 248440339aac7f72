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

/**
 * What sessions were sent on event streams, kept for a while: a client whose connection broke can
 * go on where it was (MCP 2025-11-25, basic/transports, "Resumability and Redelivery"). Bounded in
 * bytes and age; a session whose streams are silent has nothing here.
 */
export class EventLog implements Beating {
  readonly #clock: Clock;
  readonly #heartbeat: Heartbeat;
  readonly #sessions = new Map<string, Kept>();
  /** Of all sessions, oldest first. */
  readonly #entries = new Set<Entry>();
  /** An id given out by another daemon must not mean anything here. */
  readonly #mark = crypto.randomUUID().slice(0, 8);
  #bytes = 0;
  #lastNumber = 0;

  constructor(clock: Clock, heartbeat: Heartbeat) {
    this.#clock = clock;
    this.#heartbeat = heartbeat;
  }

  get heartbeat(): Heartbeat {
    return this.#heartbeat;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The stream of an answer, which can be asked for from its beginning until it is over. */
  answer(session: LoggedSession): LoggedStream {
    const stream = this.#stream(session, true);
    this.#kept(session.id).streams.set(stream.number, stream);
    return stream;
  }

  /** The stream for what belongs to no request: it can be asked for once it has carried some. */
  standing(session: LoggedSession): LoggedStream {
    return this.#stream(session, false);
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
    if (this.#entries.size === 0) this.#heartbeat.add(this);
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
    return `id: ${this.#mark}-${stream.number}-${number}\n`;
  }

  /** For a stream: it carries nothing more, so it goes with its last event. */
  ended(stream: LoggedStream): void {
    const kept = this.#sessions.get(stream.sessionId);
    if (kept !== undefined) this.#forgetSilent(stream, kept);
  }

  #stream(session: LoggedSession, answers: boolean): LoggedStream {
    const primed = (session.protocolVersion ?? "") >= PRIMED_SINCE;
    this.#lastNumber += 1;
    return new LoggedStream(this, session.id, this.#lastNumber, { answers, primed });
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
    if (this.#entries.size === 0) this.#heartbeat.remove(this);
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
  /** True for the stream of an answer, which ends with it. */
  readonly answers: boolean;
  readonly #log: EventLog;
  readonly #primed: boolean;
  #last = 0;
  #over = false;
  #connection: EventStream | null = null;

  constructor(
    log: EventLog,
    sessionId: string,
    number: number,
    kind: { readonly answers: boolean; readonly primed: boolean },
  ) {
    this.#log = log;
    this.sessionId = sessionId;
    this.number = number;
    this.answers = kind.answers;
    this.#primed = kind.primed;
  }

  /** True while an answer is still to come on it. */
  get awaited(): boolean {
    return this.answers && !this.#over;
  }

  /**
   * Puts the stream on a connection and sends what came after that event; without one, the event
   * that lets its client come back. `gone` is told when the connection is over before the stream.
   */
  connect(after: number | null, gone: (why: Gone) => void): EventStream {
    this.#connection?.end();
    const missed = this.entries.filter((entry) => entry.number > (after ?? this.#last));
    const first = missed.map(({ number, text }) =>
      eventFrame(text, this.#log.idLine(this, number)),
    );
    if (after === null && this.#primed) first.unshift(this.#priming());
    const connection = new EventStream(
      this.#log.heartbeat,
      (why) => {
        if (this.#connection === connection) this.#connection = null;
        gone(why);
      },
      first.join(""),
    );
    this.#connection = connection;
    if (this.#over) connection.end();
    return connection;
  }

  send(text: string): void {
    this.#last += 1;
    const id = this.#log.keep(this, this.#last, text);
    this.#connection?.send(text, id);
  }

  end(): void {
    this.#over = true;
    this.#connection?.end();
    this.#connection = null;
    this.#log.ended(this);
  }

  #priming(): string {
    const head = `${this.#log.idLine(this, this.#last)}retry: ${LIMITS.eventRetryMs}\n`;
    return eventFrame("", head);
  }
}
