import { visibleEntries } from "./catalog.ts";
import type { Turn } from "./effect.ts";
import { faceOf, runnable } from "./face.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { LIST_KINDS } from "./listing.ts";
import { releaseWaiters, speakFor } from "./lists.ts";
import { actionFor } from "./plan.ts";
import { matchReplicas, replicaKey } from "./replica-units.ts";
import { Replicas } from "./replicas.ts";
import { forget } from "./reuse.ts";
import { bindUnit } from "./scope.ts";
import type { Session } from "./session.ts";
import { resubscribe } from "./subscriptions.ts";
import type { Unit } from "./unit.ts";
import { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** Which upstreams there are, and how one takes the place of another without a gap. */
export class Roster {
  readonly #world: World;
  /** Replacements that are starting while the upstream they replace still works. */
  readonly #successors = new Map<string, Upstream>();
  /** Replaced or removed upstreams that finish their last requests, and when they must end. */
  readonly #retired = new Map<Upstream, number>();

  constructor(world: World) {
    this.#world = world;
  }

  get draining(): boolean {
    return this.#retired.size > 0;
  }

  /** Takes the units of a revision and tells the sessions whose view differs. */
  apply(turn: Turn, units: readonly Unit[]): void {
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
    this.#rebind(turn);
    for (const upstream of before.values()) {
      const scope = this.#world.upstream(upstream.name)?.unit.scope;
      if (upstream.retired !== null && scope !== "user") this.#handOver(turn, upstream);
    }
    this.#announce(turn, shown);
  }

  /** Ends the instances that were a session's own. */
  leave(turn: Turn, session: Session): void {
    for (const upstream of this.#world.scoped) {
      const { audience } = upstream;
      if (audience.kind === "session" && audience.id === session.id) this.#unscope(turn, upstream);
    }
  }

  /** Ends instances that had to make room for others. */
  evict(turn: Turn): void {
    for (const upstream of this.#world.evicted.splice(0)) this.#retire(turn, upstream);
  }

  /** Whether an upstream is the one at work while its replacement starts. */
  replacing(upstream: Upstream): boolean {
    const { name } = upstream;
    return this.#world.upstream(name) === faceOf(upstream) && this.#successors.has(name);
  }

  /** Whether an upstream is a replacement that has not taken over yet. */
  starting(upstream: Upstream): boolean {
    return this.#successors.get(upstream.name) === faceOf(upstream);
  }

  /** Puts the replacement in the place of what it replaces. */
  promote(turn: Turn, name: string): void {
    const successor = this.#successors.get(name);
    if (successor === undefined) return;
    this.#successors.delete(name);
    const old = this.#world.upstream(name);
    this.#world.setUpstreams(
      this.#world.upstreams.map((upstream) => (upstream.name === name ? successor : upstream)),
    );
    if (old === undefined) return;
    for (const [kind, listing] of old.listings) successor.listings.set(kind, listing);
    inherit(successor, old);
    this.#retire(turn, old);
  }

  /** Ends the retired that have nothing left to do, or have had long enough. */
  drain(turn: Turn): void {
    for (const [upstream, deadlineMs] of this.#retired) {
      upstream.expire(turn);
      const working = upstream.exchanges.size > 0 || upstream.lane.size > 0;
      if (working && turn.nowMs < deadlineMs) continue;
      this.#retired.delete(upstream);
      turn.add({ kind: "drained", upstream });
    }
  }

  #adopt(turn: Turn, unit: Unit, standing: Upstream | undefined): Upstream {
    if (standing === undefined) return this.#world.create(unit);
    const starting = this.#successors.get(unit.upstream);
    const switched = standing.unit.disabled !== unit.disabled;
    if (!switched && stays(standing, unit)) {
      this.#dropSuccessor(turn, unit.upstream);
      return this.#setUnit(turn, standing, unit);
    }
    if (starting?.unit.hash === unit.hash && !unit.disabled) {
      this.#setUnit(turn, starting, unit);
      return standing;
    }
    this.#dropSuccessor(turn, unit.upstream);
    const successor = this.#world.create(unit);
    if (standing.phase !== "ready" || unit.disabled || unit.scope !== "user") {
      // Of another scope it is a pattern, of which nothing ever runs.
      if (unit.scope === "user") inherit(successor, standing);
      this.#retire(turn, standing);
      return successor;
    }
    this.#successors.set(unit.upstream, successor);
    successor.demand(turn);
    return standing;
  }

  /** Instances of projects and sessions follow the unit they were bound from. */
  #rebind(turn: Turn): void {
    for (const upstream of this.#world.scoped) {
      const pattern = this.#world.upstream(upstream.name)?.unit;
      const gone = pattern === undefined || pattern.disabled;
      const unit = gone ? upstream.unit : bindUnit(pattern, upstream.audience);
      if (!gone && stays(upstream, unit)) {
        this.#world.setScoped(this.#setUnit(turn, upstream, unit));
        continue;
      }
      this.#unscope(turn, upstream);
      if (!gone) this.#handOver(turn, upstream);
    }
  }

  /** Who subscribed at an instance that has ended subscribes at what serves them now. */
  #handOver(turn: Turn, upstream: Upstream): void {
    const { name } = upstream;
    for (const [uri, sessions] of runnable(upstream).flatMap((one) => [...one.subscribers])) {
      for (const session of sessions) resubscribe(this.#world, turn, session, name, uri);
    }
  }

  #unscope(turn: Turn, upstream: Upstream): void {
    this.#world.removeScoped(upstream);
    this.#retire(turn, upstream);
  }

  #dropSuccessor(turn: Turn, name: string): void {
    const successor = this.#successors.get(name);
    if (successor === undefined) return;
    this.#successors.delete(name);
    this.#retire(turn, successor);
  }

  /** What each kind of viewer is shown, as text. */
  #shown(): ReadonlyMap<string, string> {
    const shown = new Map<string, string>();
    for (const kind of LIST_KINDS) {
      for (const session of this.#world.sessions.values()) {
        const viewer = this.#world.viewer(session);
        if (shown.has(`${kind} ${viewer}`)) continue;
        const entries =
          session.view.kind === "all"
            ? this.#world.catalog(kind, session).entries
            : this.#world.inView(session).flatMap((one) => visibleEntries(kind, one));
        shown.set(`${kind} ${viewer}`, JSON.stringify(entries));
      }
    }
    return shown;
  }

  /** Tells the sessions whose view differs from what it was. */
  #announce(turn: Turn, before: ReadonlyMap<string, string>): void {
    const after = this.#shown();
    for (const kind of LIST_KINDS) {
      this.#world.listChanged(turn, kind, (session) => {
        const key = `${kind} ${this.#world.viewer(session)}`;
        return before.has(key) && after.has(key) && before.get(key) !== after.get(key);
      });
    }
  }

  #retire(turn: Turn, upstream: Upstream): void {
    const text = `Upstream "${upstream.name}" was changed or removed in the config`;
    const problem = fault("upstream.unknown", text, upstream.name);
    for (const one of new Set([upstream, ...runnable(upstream)])) one.retired = problem;
    upstream.waiting.fail(turn, problem);
    releaseWaiters(upstream, turn);
    for (const one of runnable(upstream)) this.#end(turn, one, problem);
  }

  #end(turn: Turn, upstream: Upstream, problem: Fault): void {
    upstream.waiting.fail(turn, problem);
    upstream.retired = problem;
    this.#retired.set(upstream, turn.nowMs + LIMITS.drainMs);
  }

  /** Gives what stays a newer unit. Returns what stands for it now: of several, their face. */
  #setUnit(turn: Turn, upstream: Upstream, unit: Unit): Upstream {
    const isOther = upstream.unit.hash !== unit.hash;
    // Nobody forgets for this hash until it comes back, and then it might be given again.
    if (isOther) forget(this.#world, upstream);
    const group = upstream.group ?? (isOther ? groupAround(this.#world, turn, upstream) : null);
    const standing = group?.face ?? upstream;
    standing.unit = unit;
    if (group !== null) this.#setMembers(turn, group);
    if (isOther) turn.add({ kind: "remember", upstream: standing });
    return standing;
  }

  /** Of the replicas, those stay that the newer unit has as well. */
  #setMembers(turn: Turn, group: Replicas): void {
    const { face, members: former } = group;
    const members = matchReplicas(former, face.unit).map(({ member, unit }) => {
      if (member === undefined) return this.#world.createReplica(unit, face);
      member.unit = unit;
      return member;
    });
    const leaving = former.filter((member) => !members.includes(member));
    group.setMembers(members);
    for (const member of members) {
      if (former.includes(member)) continue;
      for (const old of former) member.lane.inherit(old.lane);
      if (face.phase === "ready") member.demand(turn);
    }
    // The one that was about to start may have left.
    if (face.waiting.size > 0) face.demand(turn);
    const text = `A replica of upstream "${face.name}" was removed in the config`;
    for (const member of leaving) {
      this.#handOver(turn, member);
      this.#end(turn, member, fault("upstream.unknown", text, face.name));
    }
    if (leaving.length > 0) speakFor(this.#world, turn, group);
  }
}

/** Whether an upstream goes on, or a replica of it, when its unit is a newer one. */
function stays({ group, phase, unit }: Upstream, next: Unit): boolean {
  const action = actionFor(unit, next);
  // One alone that does not work has nothing that would be lost with it.
  return action === "members" ? group !== null || phase === "ready" : action !== "replace";
}

/** Makes an upstream that works the first of several: its clients stay there. */
function groupAround(world: World, turn: Turn, first: Upstream): Replicas {
  const { unit, about, audience, found } = first;
  const face = new Upstream(unit, about, audience, null, found);
  for (const [kind, listing] of first.listings) face.listings.set(kind, listing);
  face.listWaiters = first.listWaiters.splice(0);
  face.changing = first.changing;
  face.usedMs = first.usedMs;
  first.unit = { ...unit, key: replicaKey(unit, 1) };
  const group = new Replicas(face);
  group.setMembers([first]);
  group.joined(turn, first);
  // Nobody has taken down which of them wrote there.
  for (const session of world.watchers(first)) group.stay(session, first);
  for (const [uri, subscribers] of first.subscribers) {
    for (const session of subscribers) session.subscriptions.set(uri, first.key);
  }
  return group;
}

/** What clients asked of an upstream, and what was found out, counts for what takes its place. */
function inherit(successor: Upstream, standing: Upstream): void {
  const heirs = runnable(successor);
  for (const [index, old] of runnable(standing).entries()) {
    const heir = heirs[index % heirs.length] ?? successor;
    for (const [uri, sessions] of old.subscribers) {
      const joint = heir.subscribers.get(uri) ?? new Set();
      for (const session of sessions) {
        joint.add(session);
        session.subscriptions.set(uri, heir.key);
      }
      heir.subscribers.set(uri, joint);
    }
    for (const one of heirs) one.lane.inherit(old.lane);
  }
}
