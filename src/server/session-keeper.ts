import { join } from "node:path";

import type { Condition, Conditions } from "../core/condition.ts";
import { doorOf, type KeptSession } from "../core/kept-session.ts";
import { LIMITS } from "../core/limits.ts";
import type { Door, Session } from "../core/session.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { type Row, SessionStore } from "./session-store.ts";

/** How often it is written down which sessions are still in use, and old ones are forgotten. */
const NOTE_MS = 60_000;

const NOTHING = "[]";

/** A session and when it was last used, on the monotonic clock. */
export type Used = { readonly session: Session; readonly seenMs: number };

/**
 * Decides what of the live sessions is written down, and when: a change before its client is
 * answered, so that what was promised holds after any crash; their use now and then.
 */
export class SessionKeeper {
  readonly #store: SessionStore;
  readonly #clock: Clock;
  readonly #keptOf: (session: Session) => KeptSession | null;
  readonly #idleMs: () => number;
  /** Sessions that are owed answers on their streams, and what is written down of that. */
  readonly #owing = new Map<Used, string>();
  #notedMs: number;
  #notedAheadMs: number;
  /** Whether what was written down is gone. */
  #lost = false;

  constructor(options: {
    readonly dataDir: string;
    readonly clock: Clock;
    readonly log: Log;
    readonly conditions: Conditions;
    readonly keptOf: (session: Session) => KeptSession | null;
    /** How long an unused session is kept. */
    readonly idleMs: () => number;
  }) {
    const { dataDir, clock, log, conditions } = options;
    const path = join(dataDir, "sessions.db");
    const file = {
      path,
      failed: (why: string): void => void conditions.raise(notKept(path, why, clock.now())),
      mended: (): void => void conditions.clear(NOT_KEPT),
      lost: (why: string): void => {
        this.#lost = true;
        log.warning(`Sessions that sleep are lost with ${path}: ${why}`);
      },
    };
    this.#store = new SessionStore(file, clock);
    this.#clock = clock;
    this.#keptOf = options.keptOf;
    this.#idleMs = options.idleMs;
    this.#notedMs = clock.monotonic();
    this.#notedAheadMs = this.#aheadMs();
  }

  /** Writes sessions down as they are now. */
  keep(sessions: readonly Used[]): void {
    const rows = sessions.flatMap((used): Row[] => {
      const { session, seenMs } = used;
      const kept = this.#keptOf(session);
      if (kept === null) return [];
      if (session.streamed) this.#owing.set(used, JSON.stringify(kept.owed));
      const ageMs = this.#clock.monotonic() - seenMs;
      return [{ id: session.id, kept, seenMs: this.#clock.now() - ageMs }];
    });
    if (rows.length > 0) this.#store.write(rows);
  }

  forget(sessionId: string): void {
    this.#store.write([{ id: sessionId, kept: null, seenMs: 0 }]);
  }

  /** A session whose answers go on its stream has asked for something. */
  asked(used: Used): void {
    if (!this.#owing.has(used)) this.#owing.set(used, NOTHING);
  }

  /** Called while something is in flight: what is answered at once never gets to the disk. */
  noteOwed(): void {
    const changed: Used[] = [];
    for (const [used, noted] of this.#owing) {
      const owed = JSON.stringify([...used.session.pending.keys()]);
      if (owed !== noted) changed.push(used);
      else if (owed === NOTHING) this.#owing.delete(used);
    }
    if (changed.length > 0) this.keep(changed);
  }

  /** A session is no longer live: what it was owed then stays written down. */
  left(used: Used): void {
    this.#owing.delete(used);
  }

  /** A session that no daemon has ended and that was used not too long ago. */
  recall(sessionId: string, principal: string, door: Door): KeptSession | null {
    const stored = this.#store.read(sessionId);
    if (stored === null || stored.kept.principal !== principal) return null;
    if (doorOf(stored.kept) !== door) return null;
    return this.#clock.now() - stored.seenMs > this.#idleMs() ? null : stored.kept;
  }

  /**
   * Called often: tries again what could not be written, and notes now and then which of these
   * sessions were used since it last did.
   */
  note(sessions: readonly Used[]): void {
    const sinceMs = this.#notedMs;
    this.#store.write([]);
    const aheadMs = this.#aheadMs();
    // The time of day was set, or the machine has slept: by the old times they would look unused.
    const clockSet = Math.abs(aheadMs - this.#notedAheadMs) > NOTE_MS;
    if (clockSet || this.#lost) this.keep(sessions);
    this.#lost = false;
    this.#notedAheadMs = aheadMs;
    if (this.#clock.monotonic() - sinceMs < NOTE_MS) return;
    this.#notedMs = this.#clock.monotonic();
    this.keep(sessions.filter(({ seenMs }) => seenMs >= sinceMs));
    // Who has no sessions need not open the file to find old ones.
    if (sessions.length > 0)
      this.#store.prune(this.#clock.now() - this.#idleMs(), LIMITS.keptSessions);
  }

  close(): void {
    this.#store.close();
  }

  /** How far the time of day is ahead of the monotonic clock: the same until somebody sets it. */
  #aheadMs(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}

const NOT_KEPT = "sessions.not-kept";

function notKept(path: string, why: string, sinceMs: number): Condition {
  return {
    name: NOT_KEPT,
    subject: "",
    severity: "warning",
    text: `Sessions are not kept in ${path}: ${why}`,
    hint:
      "Clients will have to connect anew after a restart. Make room on the disk, end what holds the " +
      "file, or move it away: mcpd tries again by itself.",
    sinceMs,
  };
}
