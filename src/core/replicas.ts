import type { Breaker } from "./breaker.ts";
import type { Turn } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { Health } from "./health.ts";
import { hedge, isLate } from "./hedge.ts";
import { LIMITS } from "./limits.ts";
import type { ListKind } from "./listing.ts";
import { failure, faultCodeOf, type Outcome } from "./message.ts";
import { place } from "./placement.ts";
import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Several instances of one unit that do the same (MISSION D4). The face is what the rest of mcpd
 * sees: it has the lists, the name and those who wait, and nothing of it ever runs. The members do,
 * each with its own requests, questions, tasks and subscriptions.
 */
export class Replicas {
  readonly face: Upstream;
  /** How their lists differ, in words; null when they do not. */
  disagreement: string | null = null;
  #members: readonly Upstream[] = [];
  /** Also of those that finish their last requests. */
  readonly #health = new WeakMap<Upstream, Health>();
  /** Where a session stays: it wrote or subscribed there. */
  readonly #homes = new Map<Session, Upstream>();
  /** Those that could not be started since somebody began to wait. */
  readonly #down = new Set<Upstream>();

  constructor(face: Upstream) {
    this.face = face;
    face.group = this;
  }

  get members(): readonly Upstream[] {
    return this.#members;
  }

  /** Whoever is no member any more gets no new requests. */
  setMembers(members: readonly Upstream[]): void {
    const former = this.#members;
    this.#members = members;
    for (const member of members) {
      if (this.#health.has(member)) continue;
      member.group = this;
      this.#health.set(member, new Health(member, (turn) => this.#rescue(turn, member)));
    }
    for (const member of former) {
      if (members.includes(member)) continue;
      this.#down.delete(member);
      this.left(member);
    }
  }

  /** Whether nobody would miss them. */
  get unused(): boolean {
    return this.face.waiting.size === 0 && this.members.every((member) => member.unused);
  }

  breaker(member: Upstream): Breaker["kind"] {
    return this.#of(member).breaker.kind;
  }

  /** Gives a request to one of them, now or as soon as one is ready. */
  ask(turn: Turn, exchange: Exchange): void {
    if (exchange.session !== null) this.face.usedMs = turn.nowMs;
    this.face.whenReady(turn, {
      proceed: (later) => this.#send(later, exchange, null),
      fail: (later, problem) => exchange.settle(later, failure(problem)),
    });
  }

  /** Asks for all of them: whoever is ready first serves those who wait. */
  demand(turn: Turn): void {
    if (this.face.waiting.size <= 1) this.#down.clear();
    for (const member of this.members) this.#of(member).demand(turn);
  }

  /** The replica for what a session does outside a placed request; it stays there. */
  settleAt(session: Session): Upstream {
    const chosen = this.#choose(session, null) ?? this.members[0] ?? this.face;
    this.stay(session, chosen);
    return chosen;
  }

  /** The one that has a task, else the one the session is served by. */
  holderOf(session: Session, taskId: unknown): Upstream {
    // Replicas may give the same id to the tasks of different clients.
    const own = this.members.find(({ tasks }) => tasks.standing(session, taskId) === "own");
    const holder = own ?? this.members.find(({ tasks }) => tasks.owner(taskId) !== undefined);
    return holder ?? this.#choose(session, null) ?? this.members[0] ?? this.face;
  }

  /** Keeps a session at one of them. */
  stay(session: Session, member: Upstream): void {
    // A modern client has no session that could stay anywhere.
    if (session.era === "modern" || this.#homes.get(session) === member) return;
    this.leave(session);
    this.#homes.set(session, member);
    this.#of(member).homes += 1;
  }

  /** A session has ended, or goes elsewhere. */
  leave(session: Session): void {
    const home = this.#homes.get(session);
    if (home !== undefined && this.#homes.delete(session)) this.#of(home).homes -= 1;
  }

  /**
   * A request could not be carried out by a replica: another gets it. False when it must stay
   * where it is, or there is no other.
   */
  move(turn: Turn, exchange: Exchange, from: Upstream): boolean {
    const { placements, open } = exchange;
    const most = this.members.length * 2;
    if (placements === 0 || placements > most || !open || from.retired !== null) return false;
    if (this.#choose(exchange.session, from) === undefined) return false;
    this.#send(turn, exchange, from);
    return true;
  }

  /** It answered a request. True when the answer says that another replica has to do it. */
  answered(turn: Turn, member: Upstream, exchange: Exchange, outcome: Outcome): boolean {
    const code = faultCodeOf(outcome);
    if (code !== "upstream.unreachable" && code !== "upstream.lost") {
      this.#of(member).answered(turn, exchange);
      return false;
    }
    this.failed(turn, member);
    // What did not reach it may go elsewhere, whatever it is; what may have only if it is a read.
    if (code === "upstream.unreachable") return this.move(turn, exchange, member);
    if (exchange.retriesLeft === 0) return false;
    exchange.retriesLeft -= 1;
    return this.move(turn, exchange, member);
  }

  /** A request came to nothing through the fault of the replica. */
  failed(turn: Turn, member: Upstream): void {
    this.#of(member).failed(turn);
  }

  /** The handshake with one is done. */
  joined(turn: Turn, member: Upstream): void {
    // One that has left while it was greeted serves nobody.
    if (!this.members.includes(member)) return;
    this.#down.delete(member);
    this.#of(member).heardMs = turn.nowMs;
    this.#sync();
    this.face.waiting.proceed(turn);
  }

  /** Its state has gone with it: sessions find another home. */
  left(member: Upstream): void {
    this.#of(member).left();
    for (const [session, home] of this.#homes) if (home === member) this.leave(session);
    this.#sync();
  }

  /** Another one for what a lost one did for all its clients; undefined when none is ready. */
  heir(member: Upstream): Upstream | undefined {
    return this.#choose(null, member);
  }

  /** One cannot be started for a while. True when that is so of all: nobody needs to wait. */
  down(member: Upstream): boolean {
    // The end of one that has left says nothing of those that stay.
    if (!this.members.includes(member)) return false;
    this.#down.add(member);
    return this.#down.size === this.members.length;
  }

  /** Those whose list is known, the one that is believed first. */
  speakers(kind: ListKind): readonly Upstream[] {
    const knowing = this.members.filter(
      ({ phase, listings }) => phase === "ready" && listings.has(kind),
    );
    const trusted = (member: Upstream): number => (this.breaker(member) === "open" ? 1 : 0);
    return knowing.sort((a, b) => trusted(a) - trusted(b));
  }

  /**
   * Time has passed: asks those that have been silent and others for what is late, and starts those
   * that are missing while there are requests. Each request is followed by such a moment.
   */
  check(turn: Turn): void {
    const wanted = turn.nowMs - this.face.usedMs < LIMITS.wakeMs;
    for (const member of this.members) this.#of(member).check(turn, wanted);
    const { hedgeMs } = this.face.unit.settings;
    if (hedgeMs === null) return;
    for (const member of this.members) {
      for (const exchange of member.exchanges.open) {
        if (!isLate(exchange, hedgeMs, turn.nowMs)) continue;
        const other = this.#choose(exchange.session, member);
        if (other !== undefined && this.breaker(other) === "closed") hedge(turn, exchange, other);
      }
    }
  }

  /** The one place where a replica is chosen for a request. */
  #send(turn: Turn, exchange: Exchange, avoid: Upstream | null): void {
    if (!exchange.open) return;
    const chosen = this.#choose(exchange.session, avoid);
    if (chosen === undefined) return this.ask(turn, exchange);
    exchange.placements += 1;
    if (exchange.session !== null && !exchange.read) this.stay(exchange.session, chosen);
    chosen.ask(turn, exchange);
  }

  #choose(session: Session | null, avoid: Upstream | null): Upstream | undefined {
    const home = (session && this.#homes.get(session)) ?? null;
    const candidates = this.members.map((member) => ({
      ready: member.phase === "ready",
      breaker: this.#of(member).breaker.kind,
      inFlight: member.load,
      homes: this.#of(member).homes,
    }));
    const at = (one: Upstream | null): number => this.members.findIndex((other) => other === one);
    return this.members[place(candidates, at(home), at(avoid))];
  }

  /** Takes the reads off a replica that is not trusted any more. */
  #rescue(turn: Turn, member: Upstream): void {
    for (const exchange of member.exchanges.open) {
      const movable = exchange.placements > 0 && exchange.retriesLeft > 0 && !exchange.suspected;
      if (!movable || this.#choose(exchange.session, member) === undefined) continue;
      // It may still be at work there, and ask: the stand-in is what its questions are of.
      const { method, params, session } = exchange;
      const standIn = new Exchange({ method, params, session, settle: () => undefined });
      member.exchanges.swap(exchange, standIn);
      member.withdraw(turn, standIn, "moved to another replica");
      exchange.release(turn, false);
      exchange.retriesLeft -= 1;
      this.#send(turn, exchange, member);
    }
  }

  /** The face is ready while any of them is, and is introduced as the first that is. */
  #sync(): void {
    const speaker = this.members.find(({ phase }) => phase === "ready");
    this.face.phase = speaker === undefined ? "absent" : "ready";
    if (speaker !== undefined) this.face.introduction = speaker.introduction;
  }

  #of(member: Upstream): Health {
    const health = this.#health.get(member);
    if (health === undefined) throw new Error(`${member.key} is no member of ${this.face.key}`);
    return health;
  }
}
