import type { Catalog } from "./catalog.ts";
import { type Channel, type Effect, Turn } from "./effect.ts";
import type { Envelope } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";
import { faceOf } from "./face.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { keptOf, type KeptSession, revive } from "./kept-session.ts";
import type { ListKind } from "./listing.ts";
import {
  expireGatherings,
  giveUp,
  loadLists,
  releaseWaiters,
  reloadStale,
  speakFor,
} from "./lists.ts";
import { failure, type Message, type Notification } from "./message.ts";
import { receiveFromUpstream } from "./notices.ts";
import type { Profile } from "./profile.ts";
import { expireQuestions } from "./questions.ts";
import type { Replicas } from "./replicas.ts";
import { receiveRequest } from "./requests.ts";
import { forget } from "./reuse.ts";
import { Roster } from "./roster.ts";
import { type Door, Session, type View } from "./session.ts";
import { bequeath, restore, syncLogLevel, unsubscribeAll } from "./subscriptions.ts";
import { leaveTasks } from "./task-requests.ts";
import type { Unit } from "./unit.ts";
import type { Upstream } from "./upstream.ts";
import { type Ports, unavailable, World } from "./world.ts";

/** The whole of sharing, as a pure machine: events go in, effects come out. */
export class Switchboard {
  readonly #world: World;
  readonly #roster: Roster;

  constructor(about: { readonly name: string; readonly version: string }, ports: Ports) {
    this.#world = new World(about, ports);
    this.#roster = new Roster(this.#world);
  }

  get sessions(): readonly Session[] {
    return [...this.#world.sessions.values()];
  }

  /** The upstreams in the order of the config. */
  get upstreams(): readonly Upstream[] {
    return this.#world.upstreams;
  }

  /** All that runs or may run: the upstreams, and their instances of projects and sessions. */
  get instances(): readonly Upstream[] {
    return this.#world.instances;
  }

  /** What a client of the aggregate is shown: a merged list, and whose lists are not known. */
  shown(
    session: Session,
    kind: ListKind,
  ): { readonly list: Catalog; readonly missing: readonly string[] } {
    const missing = this.#world.upstreams.filter(({ name, unit }) => {
      const serving = this.#world.serving(session, name);
      return !unit.disabled && (isFault(serving) || !serving.listed);
    });
    const list = this.#world.catalog(kind, session);
    return { list, missing: missing.map((upstream) => upstream.name) };
  }

  /** Whether time matters: something is in flight, waiting or about to change. */
  get busy(): boolean {
    if (this.#world.gatherings.size > 0 || this.#roster.draining) return true;
    if (this.#world.parking.size > 0) return true;
    return this.#world.instances.some(
      ({ exchanges, questions, staleLists }) =>
        exchanges.size + exchanges.ghosts + questions.size + staleLists.size > 0,
    );
  }

  /**
   * Takes the units of a new revision. What did not change keeps running; what changed is started
   * anew and takes over once it is ready; what left finishes its requests and ends.
   */
  apply(units: readonly Unit[], nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    this.#roster.apply(turn, units);
    return turn.effects;
  }

  /** Takes what a new revision says of clients; those who are shown other tools now are told. */
  setProfiles(profiles: readonly Profile[], nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    this.#world.setProfiles(turn, profiles);
    return turn.effects;
  }

  /** Opens a session; a view of one upstream needs that upstream to exist. */
  open(options: {
    readonly id: string;
    readonly view: View;
    readonly principal: string;
    readonly project: string | null;
    readonly door?: Door;
    readonly envelope?: Envelope | undefined;
  }): Session | Fault {
    const problem = this.#unseen(options.view);
    if (problem !== null) return problem;
    const session = new Session({ ...options, questionId: this.#world.ports.newQuestionId() });
    this.#world.fit(session);
    this.#world.sessions.set(session.id, session);
    return session;
  }

  /** What has to be known of a session to go on with it later; null when there is nothing yet. */
  kept(session: Session): KeptSession | null {
    return keptOf(this.#world, session);
  }

  /** Goes on with a session of an earlier daemon under its old id. */
  revive(
    id: string,
    kept: KeptSession,
    nowMs: number,
  ): { readonly session: Session; readonly effects: readonly Effect[] } | Fault {
    const problem = this.#unseen(kept.view);
    if (problem !== null) return problem;
    const turn = new Turn(nowMs);
    const session = revive(this.#world, turn, id, kept);
    this.#roster.evict(turn);
    return { session, effects: turn.effects };
  }

  /** Forgets the results that are kept of an upstream, or of all. */
  forgetResults(upstream: string | null): void {
    for (const instance of this.#world.instances) {
      if (upstream === null || instance.name === upstream) forget(this.#world, instance);
    }
  }

  /** Ends a session: what it had in flight is cancelled, what it subscribed to is released. */
  close(session: Session, reason: string, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    if (!this.#world.sessions.delete(session.id)) return turn.effects;
    for (const pending of session.pending.values()) pending.cancel(turn, reason);
    for (const question of session.asks.clear(turn)) {
      const left = fault("question.nobody", "The client has left");
      question.settle(turn, failure(left));
    }
    unsubscribeAll(this.#world, turn, session);
    leaveTasks(this.#world, turn, session);
    this.#roster.leave(turn, session);
    if (session.era === "legacy") for (const group of this.#world.groups) group.leave(session);
    if (session.logLevel === null) return turn.effects;
    for (const upstream of this.#world.instances) {
      if (session.sees(upstream)) syncLogLevel(this.#world, turn, upstream);
    }
    return turn.effects;
  }

  /** One message of a client. Answers and what belongs to them go to `channel`. */
  fromClient(
    session: Session,
    message: Message,
    channel: Channel,
    nowMs: number,
  ): readonly Effect[] {
    const turn = new Turn(nowMs);
    if (message.kind === "request") {
      receiveRequest(this.#world, turn, { session, request: message, channel });
      this.#roster.evict(turn);
    } else if (message.kind === "notification") {
      this.#clientNotice(turn, session, message);
    } else {
      // An answer to what an upstream asked; one that nobody waits for is dropped.
      session.asks.take(turn, message)?.settle(turn, message.outcome);
    }
    return turn.effects;
  }

  /** The link to an upstream is up. */
  opened(upstream: Upstream, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.opened(turn, this.#world.ports.secretMark(upstream.unit));
    return turn.effects;
  }

  /** One message of an upstream. */
  fromUpstream(upstream: Upstream, message: Message, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    this.#watch(turn, upstream, () => receiveFromUpstream(this.#world, turn, upstream, message));
    return turn.effects;
  }

  /** The instance of an upstream is gone; `retrying` when another one follows by itself. */
  lost(upstream: Upstream, problem: Fault, retrying: boolean, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    const { group } = upstream;
    const alone = group?.heir(upstream) === undefined;
    const replaced = alone && this.#roster.replacing(upstream);
    const stays = upstream.lost(turn, problem, retrying && !replaced);
    if (replaced) this.#roster.promote(turn, upstream.name);
    if (group === null) {
      if (!upstream.listed) releaseWaiters(upstream, turn);
      return turn.effects;
    }
    bequeath(this.#world, turn, upstream);
    speakFor(this.#world, turn, group);
    if (!stays) giveUp(turn, upstream, problem);
    return turn.effects;
  }

  /** The upstream will not start for a while: whoever waits for it is told now. */
  unavailable(upstream: Upstream, problem: Fault, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.waiting.fail(turn, problem);
    releaseWaiters(upstream, turn);
    giveUp(turn, upstream, problem);
    return turn.effects;
  }

  /** The pipe to the upstream is full: a request that could not be sent is answered now. */
  undelivered(upstream: Upstream, exchange: Exchange, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.exchanges.withdraw(turn, exchange, "not sent");
    if (upstream.group?.move(turn, exchange, upstream) === true) return turn.effects;
    const text = `Upstream "${upstream.name}" does not read what it is sent`;
    const problem = fault("upstream.busy", text, upstream.name);
    this.#watch(turn, upstream, () => exchange.settle(turn, failure(problem)));
    return turn.effects;
  }

  /** Puts down the instances nobody has used for as long as their config says. Now and then. */
  rest(nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    for (const upstream of this.#world.instances) {
      const { idleStopMs } = upstream.unit.settings;
      upstream.tasks.expire(nowMs);
      const face = faceOf(upstream);
      if (idleStopMs === null || upstream.phase !== "ready" || !face.unused) continue;
      if (nowMs - face.usedMs >= idleStopMs) upstream.rest(turn);
    }
    for (const group of this.#world.groups) group.check(turn);
    return turn.effects;
  }

  /** Time has passed: deadlines, late lists, upstreams that have finished. */
  tick(nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    for (const upstream of this.#world.instances) {
      this.#watch(turn, upstream, () => upstream.expire(turn));
      expireQuestions(turn, upstream);
      reloadStale(this.#world, turn, upstream);
    }
    for (const group of this.#world.groups) group.check(turn);
    expireGatherings(this.#world, turn);
    this.#world.parking.tick(turn);
    this.#roster.drain(turn);
    return turn.effects;
  }

  /** Why a view shows nothing; null when it does. */
  #unseen(view: View): Fault | null {
    if (view.kind === "all") return null;
    const upstream = this.#world.upstream(view.upstream);
    if (upstream !== undefined && !upstream.unit.disabled) return null;
    return unavailable(view.upstream, upstream);
  }

  #joined(turn: Turn, upstream: Upstream, group: Replicas): void {
    // What clients subscribed to at one that has not come back.
    const lost = group.members.filter(({ phase }) => phase === "absent");
    for (const member of lost) bequeath(this.#world, turn, member);
    group.joined(turn, upstream);
  }

  #clientNotice(turn: Turn, session: Session, message: Notification): void {
    if (message.method === "notifications/progress") {
      const progress = session.asks.progress(message.params);
      return progress?.exchange.onProgress?.(turn, progress.params);
    }
    if (message.method !== "notifications/cancelled") return;
    const id = message.params?.["requestId"];
    if (typeof id !== "string" && typeof id !== "number") return;
    const reason = message.params?.["reason"];
    session.pending.get(id)?.cancel(turn, typeof reason === "string" ? reason : "by the client");
  }

  /** Does what may be the end of an upstream's handshake, and what follows from that. */
  #watch(turn: Turn, upstream: Upstream, action: () => void): void {
    const wasReady = upstream.phase === "ready";
    action();
    if (wasReady || upstream.phase !== "ready") return;
    if (this.#roster.starting(upstream)) this.#roster.promote(turn, upstream.name);
    // Before the calls that waited: what they change is what subscribers want to hear of.
    restore(this.#world, turn, upstream);
    upstream.waiting.proceed(turn);
    if (upstream.group !== null) this.#joined(turn, upstream, upstream.group);
    loadLists(this.#world, turn, upstream);
  }
}
