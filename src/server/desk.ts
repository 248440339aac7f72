import { decodeAnswer, isMalformed } from "../core/decode.ts";
import type { Channel, Effect } from "../core/effect.ts";
import { runnable } from "../core/face.ts";
import { type Fault, fault, isFault } from "../core/fault.ts";
import type { ListKind } from "../core/listing.ts";
import { encode, faultResponse, type Message, type Wire } from "../core/message.ts";
import { tooLargeAnswer } from "../core/oversize.ts";
import type { Profile } from "../core/profile.ts";
import type { ServerSettings } from "../core/revision.ts";
import type { Door, Session } from "../core/session.ts";
import type { Switchboard } from "../core/switchboard.ts";
import type { Unit } from "../core/unit.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Clock } from "../lib/clock.ts";
import type { Desk, Opening, SessionPort } from "../transport/door.ts";
import type { Cut } from "../transport/link.ts";
import { EffectQueue } from "./effect-queue.ts";
import { Hold } from "./hold.ts";
import type { Journal } from "./journal.ts";
import { LiveSession } from "./live-session.ts";
import { LiveSessions } from "./live-sessions.ts";
import { newSecretName } from "./names.ts";
import type { Pool } from "./pool.ts";
import type { Stores } from "./stores.ts";
import { Ticker } from "./ticker.ts";

/** The live sessions, and the one place where the core's effects are carried out. */
export class LiveDesk implements Desk {
  readonly hold = new Hold();
  readonly #switchboard: Switchboard;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #pool: Pool;
  readonly #settings: () => ServerSettings;
  readonly #stores: Stores;
  readonly #live = new LiveSessions();
  readonly #queue = new EffectQueue((effect) => this.#perform(effect));
  readonly #ticker: Ticker;
  /** Why nobody is let in. */
  #refusal: Fault | null = null;

  constructor(options: {
    readonly switchboard: Switchboard;
    readonly clock: Clock;
    readonly journal: Journal;
    /** Made with the desk as listener, since each needs the other. */
    readonly pool: (desk: LiveDesk) => Pool;
    readonly settings: () => ServerSettings;
    readonly stores: Stores;
  }) {
    this.#switchboard = options.switchboard;
    this.#clock = options.clock;
    this.#journal = options.journal;
    this.#settings = options.settings;
    this.#stores = options.stores;
    this.#pool = options.pool(this);
    this.#ticker = new Ticker(options.clock, {
      busy: () => this.#switchboard.busy,
      tick: () => this.#tick(),
    });
  }

  get pool(): Pool {
    return this.#pool;
  }

  get sessionCount(): number {
    return this.#live.size;
  }

  open(opening: Opening): SessionPort | Fault {
    const problem = this.#closedTo();
    if (problem !== null) return problem;
    const session = this.#switchboard.open({ id: newSecretName(), ...opening });
    return isFault(session) ? session : this.#enter(session);
  }

  find(sessionId: string, principal: string, door: Door): SessionPort | Fault {
    const live = this.#live.get(sessionId);
    if (live === undefined) return this.#revive(sessionId, principal, door);
    const { session } = live;
    const own = session.principal === principal && session.door === door;
    return own ? live : fault("session.unknown");
  }

  /** What a session of the aggregate is shown right now. */
  shown(sessionId: string, kind: ListKind): ReturnType<Switchboard["shown"]> | undefined {
    const live = this.#live.get(sessionId);
    return live && this.#switchboard.shown(live.session, kind);
  }

  /** Ends every session and lets nobody in: what is in flight is answered with the reason. */
  refuse(problem: Fault, reason: string): void {
    this.#refusal = problem;
    this.#stores.sessions.keep(this.#live.lasting());
    for (const live of this.#live.all()) this.#leave(live, reason);
  }

  /** Lets clients in again. */
  admit(): void {
    this.#refusal = null;
  }

  /** Takes the units of a new revision, and what it says of clients. */
  apply(units: readonly Unit[], profiles: readonly Profile[]): void {
    this.#run(this.#switchboard.setProfiles(profiles, this.now()));
    this.#run(this.#switchboard.apply(units, this.now()));
    this.#pool.configure(this.#switchboard.instances);
  }

  /** What waited or failed gets another chance: something beside the config has changed. */
  retry(): void {
    this.#pool.configure(this.#switchboard.instances);
  }

  /** Starts an upstream that nobody has asked for yet; those of one client wait. */
  start({ upstream: name, scope }: Unit): void {
    const upstream = this.#switchboard.upstreams.find((candidate) => candidate.name === name);
    if (upstream === undefined || scope !== "user") return;
    for (const one of runnable(upstream)) this.#pool.demand(one);
  }

  receive(live: LiveSession, message: Message, channel: Channel): void {
    // While its body was read, or held, the session may have ended.
    if (this.#live.get(live.id) !== live) {
      if (message.kind !== "request") return;
      const problem = this.#refusal ?? fault("session.unknown");
      return channel.write(encode(faultResponse(message.id, problem)), true);
    }
    this.use(live);
    if (live.session.streamed) this.#stores.sessions.asked(live);
    this.#run(this.#switchboard.fromClient(live.session, message, channel, this.now()));
  }

  /** Its client is there, or was until now. */
  use(live: LiveSession): void {
    live.seen(this.now());
    this.#live.use(live);
  }

  /** Ends a session for good: its client will not come back to it. */
  forget(live: LiveSession, reason: string): void {
    if (live.session.lasting) this.#stores.sessions.forget(live.id);
    this.#leave(live, reason);
  }

  /** Ends a session until its client comes back; what has replaced it goes on. */
  rest(live: LiveSession): void {
    if (this.#live.get(live.id) === live) this.#stores.sessions.keep([live]);
    this.#leave(live, "its client is away");
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** The link to an upstream is up. */
  opened(upstream: Upstream): void {
    this.#run(this.#switchboard.opened(upstream, this.now()));
  }

  /** One line of an upstream. */
  message(upstream: Upstream, wire: Wire): void {
    const message = decodeAnswer(wire);
    if (isMalformed(message)) return this.#journal.oddity(upstream.name, message.fault.text);
    this.#run(this.#switchboard.fromUpstream(upstream, message, this.now()));
  }

  /** A message of an upstream was too long to be read: whoever waits is told. */
  tooLong(upstream: Upstream, { head, bytesMax }: Cut): void {
    const answer = tooLargeAnswer(upstream, head, bytesMax);
    if (answer === null) return;
    this.#run(this.#switchboard.fromUpstream(upstream, answer, this.now()));
  }

  /** The instance of an upstream is gone; `retrying` when another one follows by itself. */
  lost(upstream: Upstream, problem: Fault, retrying: boolean): void {
    this.#run(this.#switchboard.lost(upstream, problem, retrying, this.now()));
  }

  /** An upstream will not start for a while. */
  unavailable(upstream: Upstream, problem: Fault): void {
    this.#run(this.#switchboard.unavailable(upstream, problem, this.now()));
  }

  /** Ends what nobody has used for longer than the config allows: sessions and instances. */
  sweep(): void {
    this.#run(this.#switchboard.rest(this.now()));
    const limitMs = this.now() - this.#settings().sessionIdleMs;
    for (const live of this.#live.all()) if (live.idle && live.seenMs < limitMs) live.close();
    this.#stores.sessions.note(this.#live.lasting());
  }

  /** Ends every session; what is in flight is answered. */
  close(): void {
    this.refuse(fault("daemon.unreachable", "The daemon is stopping"), "the daemon is stopping");
    this.#ticker.close();
  }

  #run(effects: readonly Effect[]): void {
    if (this.#queue.run(effects)) this.#ticker.start();
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case "answer":
        return effect.channel.write(effect.text, true);
      case "answer-bytes":
        return effect.channel.writeBytes?.(effect.bytes);
      case "note":
        return effect.channel.write(effect.text, false);
      case "push":
        return this.#live.get(effect.session.id)?.push(effect.text, effect.keep);
      case "discard":
        return this.#live.get(effect.session.id)?.close();
      case "keep":
        return this.#keep(effect.session);
      case "send":
        return this.#send(effect);
      case "demand":
        return this.#pool.demand(effect.upstream);
      case "ready":
        return this.#pool.ready(effect.upstream);
      case "refuse":
        return this.#pool.refuse(effect.upstream, effect.problem);
      case "remember":
        return this.#stores.memory.keep(effect.upstream);
      case "rest":
        return this.#pool.rest(effect.upstream);
      case "drained":
        return this.#pool.retire(effect.upstream);
      case "record":
        return this.#journal.record(effect.record);
      case "disagree":
        return this.#pool.disagree(effect.upstream, effect.text);
      case "oddity":
        return this.#journal.oddity(effect.upstream.name, effect.text);
    }
  }

  #send({ upstream, text, exchange }: Extract<Effect, { kind: "send" }>): void {
    if (this.#pool.send(upstream, text) || exchange === null) return;
    this.#run(this.#switchboard.undelivered(upstream, exchange, this.now()));
  }

  #tick(): void {
    this.#run(this.#switchboard.tick(this.now()));
    this.#stores.sessions.noteOwed();
  }

  #enter(session: Session): LiveSession {
    const live = new LiveSession(session, this);
    this.#live.enter(live);
    return live;
  }

  /** Goes on with a session of an earlier daemon, or with one that had to make room. */
  #revive(sessionId: string, principal: string, door: Door): SessionPort | Fault {
    const kept = this.#stores.sessions.recall(sessionId, principal, door);
    if (kept === null) return this.#refusal ?? fault("session.unknown");
    const problem = this.#closedTo();
    if (problem !== null) return problem;
    const revived = this.#switchboard.revive(sessionId, kept, this.now());
    if (isFault(revived)) return revived;
    const live = this.#enter(revived.session);
    this.#run(revived.effects);
    return live;
  }

  #keep(session: Session): void {
    const live = this.#live.get(session.id);
    if (live?.session.lasting === true) this.#stores.sessions.keep([live]);
  }

  #leave(live: LiveSession, reason: string): void {
    if (!this.#live.leave(live)) return;
    this.#stores.sessions.left(live);
    this.#run(this.#switchboard.close(live.session, reason, this.now()));
  }

  /** Why nobody more is let in: closed, or full of sessions that are all in use. */
  #closedTo(): Fault | null {
    const { sessionsMax } = this.#settings();
    if (this.#refusal !== null || this.#live.size < sessionsMax) return this.#refusal;
    if (this.#evictIdle()) return null;
    return fault("session.limit", `There are ${sessionsMax} sessions already`);
  }

  /** Makes room by putting the session that has been idle longest to sleep; false when none is. */
  #evictIdle(): boolean {
    const oldest = this.#live.restful();
    if (oldest !== undefined) this.#leave(oldest, "others need its place");
    return oldest !== undefined;
  }
}
