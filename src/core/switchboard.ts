import { visibleEntries } from "./catalog.ts";
import { type Channel, type Effect, Turn } from "./effect.ts";
import type { Exchange } from "./exchange.ts";
import { type Fault, fault } from "./fault.ts";
import { unavailable } from "./handshake.ts";
import { LIMITS } from "./limits.ts";
import { LIST_KINDS } from "./listing.ts";
import { expireGatherings, loadLists, releaseWaiters, reloadStale } from "./lists.ts";
import { type Message, type Notification, rpcError } from "./message.ts";
import { receiveFromUpstream } from "./notices.ts";
import { receiveRequest } from "./requests.ts";
import { Session, type View } from "./session.ts";
import { restore, syncLogLevel, unsubscribeAll } from "./subscriptions.ts";
import type { Unit } from "./unit.ts";
import { Upstream } from "./upstream.ts";
import { World } from "./world.ts";

/**
 * The whole of sharing, as a pure machine: events of clients, upstreams and the clock go in, effects
 * come out. It holds no socket, process, clock or random number, so a simulation can run it.
 */
export class Switchboard {
  readonly #world: World;
  /** Replacements that are starting while the upstream they replace still works. */
  readonly #successors = new Map<string, Upstream>();
  /** Replaced or removed upstreams that finish their last requests, and when they must end. */
  readonly #retired = new Map<Upstream, number>();

  constructor(about: { readonly name: string; readonly version: string }) {
    this.#world = new World(about);
  }

  get sessions(): readonly Session[] {
    return [...this.#world.sessions.values()];
  }

  /** The upstreams in the order of the config. */
  get upstreams(): readonly Upstream[] {
    return this.#world.upstreams;
  }

  /** The merged tools as a client of the aggregate sees them, with the way back. */
  get tools(): ReturnType<World["catalog"]> {
    return this.#world.catalog("tools");
  }

  /** Whether time matters: something is in flight, waiting or about to change. */
  get busy(): boolean {
    if (this.#world.gatherings.size > 0 || this.#retired.size > 0) return true;
    return this.#world.upstreams.some(
      (upstream) => upstream.exchanges.size > 0 || upstream.staleLists.size > 0,
    );
  }

  /**
   * Takes the units of a new revision. What did not change keeps running; what changed is started
   * anew and takes over once it is ready; what left finishes its requests and ends.
   */
  apply(units: readonly Unit[], nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    const shown = this.#shown();
    const before = new Map(this.#world.upstreams.map((upstream) => [upstream.name, upstream]));
    const next = units.map((unit) => this.#adopt(turn, unit, before.get(unit.upstream)));
    this.#world.setUpstreams(next);
    const names = new Set(units.map((unit) => unit.upstream));
    for (const [name, upstream] of before) {
      if (names.has(name)) continue;
      this.#dropSuccessor(turn, name);
      this.#retire(turn, upstream);
    }
    this.#announce(turn, shown);
    return turn.effects;
  }

  /** Opens a session; a view of one upstream needs that upstream to exist. */
  open(options: {
    readonly id: string;
    readonly view: View;
    readonly principal: string;
    readonly project: string | null;
  }): Session | Fault {
    if (options.view.kind === "one") {
      const name = options.view.upstream;
      const upstream = this.#world.upstream(name);
      if (upstream === undefined || upstream.unit.disabled) return unavailable(name, upstream);
    }
    const session = new Session(options);
    this.#world.sessions.set(session.id, session);
    return session;
  }

  /** Ends a session: what it had in flight is cancelled, what it subscribed to is released. */
  close(session: Session, reason: string, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    if (!this.#world.sessions.delete(session.id)) return turn.effects;
    for (const pending of session.pending.values()) pending.cancel(turn, reason);
    unsubscribeAll(this.#world, turn, session);
    for (const upstream of this.#world.inView(session.view)) {
      syncLogLevel(this.#world, turn, upstream);
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
    } else if (message.kind === "notification") {
      this.#clientNotice(turn, session, message);
    }
    return turn.effects;
  }

  /** The link to an upstream is up. */
  opened(upstream: Upstream, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.opened(turn);
    return turn.effects;
  }

  /** One message of an upstream. */
  fromUpstream(upstream: Upstream, message: Message, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    const wasReady = upstream.phase === "ready";
    receiveFromUpstream(this.#world, turn, upstream, message);
    if (!wasReady && upstream.phase === "ready") this.#becameReady(turn, upstream);
    return turn.effects;
  }

  /** The instance of an upstream is gone; `retrying` when another one follows by itself. */
  lost(upstream: Upstream, problem: Fault, retrying: boolean, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    const replaced =
      this.#world.upstream(upstream.name) === upstream && this.#successors.get(upstream.name);
    upstream.lost(turn, problem, retrying && !replaced);
    if (replaced) this.#takeOver(turn, replaced);
    if (!upstream.listed) releaseWaiters(upstream, turn);
    return turn.effects;
  }

  /** The upstream will not start for a while: whoever waits for it is told now. */
  unavailable(upstream: Upstream, problem: Fault, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.failWaiting(turn, problem);
    releaseWaiters(upstream, turn);
    return turn.effects;
  }

  /** The pipe to the upstream is full: a request that could not be sent is answered now. */
  undelivered(upstream: Upstream, exchange: Exchange, nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    upstream.exchanges.withdraw(exchange, "not sent");
    const text = `Upstream "${upstream.name}" does not read what it is sent`;
    const problem = fault("upstream.busy", text, upstream.name);
    exchange.settle(turn, { ok: false, error: rpcError(problem) });
    return turn.effects;
  }

  /** Time has passed: deadlines, late lists, upstreams that have finished. */
  tick(nowMs: number): readonly Effect[] {
    const turn = new Turn(nowMs);
    for (const upstream of this.#world.upstreams) {
      upstream.expire(turn);
      reloadStale(this.#world, turn, upstream);
    }
    expireGatherings(this.#world, turn);
    for (const [upstream, deadlineMs] of this.#retired) {
      upstream.expire(turn);
      if (upstream.exchanges.size > 0 && nowMs < deadlineMs) continue;
      this.#retired.delete(upstream);
      turn.add({ kind: "drained", upstream });
    }
    return turn.effects;
  }

  #clientNotice(turn: Turn, session: Session, message: Notification): void {
    if (message.method !== "notifications/cancelled") return;
    const id = message.params?.["requestId"];
    if (typeof id !== "string" && typeof id !== "number") return;
    const reason = message.params?.["reason"];
    session.pending.get(id)?.cancel(turn, typeof reason === "string" ? reason : "by the client");
  }

  #becameReady(turn: Turn, upstream: Upstream): void {
    if (this.#successors.get(upstream.name) === upstream) this.#takeOver(turn, upstream);
    restore(this.#world, turn, upstream);
    loadLists(this.#world, turn, upstream);
  }

  #adopt(turn: Turn, unit: Unit, standing: Upstream | undefined): Upstream {
    if (standing === undefined) return new Upstream(unit, this.#world.about);
    if (standing.unit.hash === unit.hash && standing.unit.disabled === unit.disabled) {
      standing.unit = unit;
      this.#dropSuccessor(turn, unit.upstream);
      return standing;
    }
    const starting = this.#successors.get(unit.upstream);
    if (starting?.unit.hash === unit.hash && !unit.disabled) {
      starting.unit = unit;
      return standing;
    }
    this.#dropSuccessor(turn, unit.upstream);
    const successor = new Upstream(unit, this.#world.about);
    for (const [uri, sessions] of standing.subscribers) successor.subscribers.set(uri, sessions);
    if (standing.phase !== "ready" || unit.disabled) {
      this.#retire(turn, standing);
      return successor;
    }
    this.#successors.set(unit.upstream, successor);
    turn.add({ kind: "demand", upstream: successor });
    return standing;
  }

  #takeOver(turn: Turn, successor: Upstream): void {
    const { name } = successor;
    this.#successors.delete(name);
    const old = this.#world.upstream(name);
    this.#world.setUpstreams(
      this.#world.upstreams.map((upstream) => (upstream.name === name ? successor : upstream)),
    );
    if (old === undefined) return;
    for (const [kind, listing] of old.listings) successor.listings.set(kind, listing);
    this.#retire(turn, old);
  }

  #dropSuccessor(turn: Turn, name: string): void {
    const successor = this.#successors.get(name);
    if (successor === undefined) return;
    this.#successors.delete(name);
    this.#retire(turn, successor);
  }

  /** What each kind of view shows, as text: "kind" for the aggregate, "kind upstream" for one. */
  #shown(): ReadonlyMap<string, string> {
    const shown = new Map<string, string>();
    for (const kind of LIST_KINDS) {
      shown.set(kind, JSON.stringify(this.#world.catalog(kind).entries));
      for (const upstream of this.#world.upstreams) {
        shown.set(`${kind} ${upstream.name}`, JSON.stringify(visibleEntries(kind, upstream)));
      }
    }
    return shown;
  }

  /** Tells the sessions whose view differs from what it was. */
  #announce(turn: Turn, before: ReadonlyMap<string, string>): void {
    const after = this.#shown();
    for (const kind of LIST_KINDS) {
      this.#world.listChanged(turn, kind, ({ view }) => {
        const key = view.kind === "all" ? kind : `${kind} ${view.upstream}`;
        return before.has(key) && after.has(key) && before.get(key) !== after.get(key);
      });
    }
  }

  #retire(turn: Turn, upstream: Upstream): void {
    const text = `Upstream "${upstream.name}" was changed or removed in the config`;
    const problem = fault("upstream.unknown", text, upstream.name);
    upstream.failWaiting(turn, problem);
    releaseWaiters(upstream, turn);
    this.#retired.set(upstream, turn.nowMs + LIMITS.drainMs);
  }
}
