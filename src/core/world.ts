import {
  type Catalog,
  mergeCatalog,
  namesOf,
  resolveName,
  resolveUri,
  type Target,
} from "./catalog.ts";
import { Drawer } from "./drawer.ts";
import type { Turn } from "./effect.ts";
import { runnable } from "./face.ts";
import { type Fault, fault, isFault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import { type Entry, type ListKind, LISTS } from "./listing.ts";
import type { Memory } from "./memory.ts";
import { notify } from "./notify.ts";
import { Parking } from "./parking.ts";
import { OPEN_PROFILE, type Profile, profileAllows, profileFor } from "./profile.ts";
import { replicaUnits } from "./replica-units.ts";
import { Replicas } from "./replicas.ts";
import type { Shelf } from "./reuse.ts";
import { type Audience, bindUnit, EVERYBODY } from "./scope.ts";
import { ToolSearch } from "./search.ts";
import type { Session } from "./session.ts";
import type { Unit, UnitKey } from "./unit.ts";
import { Upstream } from "./upstream.ts";

/** Somebody who waits for several upstreams, but not for ever. */
export type Gathering = { left: number; readonly deadlineMs: number; done: (turn: Turn) => void };

/** What the core needs of the world outside and cannot be given with each event. */
export type Ports = {
  /** Makes names that nobody can guess: the core itself has no random numbers. */
  readonly newName: () => string;
  /**
   * Where the ids of a session's questions start: an integer from 1 to 2^30, another each time.
   * The answer to a question of an earlier daemon then matches none of ours.
   */
  readonly newQuestionId: () => number;
  /** What an earlier run knew of a unit. */
  readonly recall: (unit: Unit) => Memory | null;
  /** Where results are kept that may be given again. */
  readonly shelf: () => Shelf;
  /** Tells apart what a unit says under different secrets; null when that cannot be told. */
  readonly secretMark: (unit: Unit) => string | null;
};

/** All that is going on: the sessions, the upstreams in the order of the config, and who waits. */
export class World {
  readonly about: { readonly name: string; readonly version: string };
  readonly sessions = new Map<string, Session>();
  readonly gatherings = new Set<Gathering>();
  readonly parking: Parking;
  readonly drawer: Drawer;
  readonly ports: Ports;
  /** By name. Of a scope other than "user" this is the pattern, of which nothing ever runs. */
  #upstreams = new Map<string, Upstream>();
  /** The instances of one project or session, by key, least recently used first. */
  readonly #scoped = new Map<UnitKey, Upstream>();
  #profiles: readonly Profile[] = [];
  readonly #searches = new WeakMap<Catalog, ToolSearch>();
  readonly #catalogs = new Map<ListKind, Map<string, Catalog>>();
  /** Instances that had to make room; whoever handles the event ends them. */
  readonly evicted: Upstream[] = [];

  constructor(about: { readonly name: string; readonly version: string }, ports: Ports) {
    this.about = about;
    this.parking = new Parking(ports.newName);
    this.drawer = new Drawer(ports.newName);
    this.ports = ports;
  }

  /** The conversation with a unit, beginning with what is remembered of it. */
  create(unit: Unit, audience: Audience = EVERYBODY): Upstream {
    const upstream = new Upstream(unit, this.about, audience, this.ports.recall(unit));
    const units = replicaUnits(unit);
    if (units.length === 0) return upstream;
    new Replicas(upstream).setMembers(units.map((one) => this.createReplica(one, upstream)));
    return upstream;
  }

  /** One more of what an upstream with replicas stands for. */
  createReplica(unit: Unit, face: Upstream): Upstream {
    return new Upstream(unit, this.about, face.audience, null, face.found);
  }

  /** One for each upstream of the config, in its order. */
  get upstreams(): readonly Upstream[] {
    return [...this.#upstreams.values()];
  }

  /** The instances of single projects and sessions. */
  get scoped(): readonly Upstream[] {
    return [...this.#scoped.values()];
  }

  /** Everything that runs or may run. */
  get instances(): readonly Upstream[] {
    const all = [...this.#upstreams.values(), ...this.#scoped.values()];
    return all.some(({ group }) => group !== null) ? all.flatMap(runnable) : all;
  }

  /** The upstreams, and their instances of projects and sessions, that have replicas. */
  get groups(): readonly Replicas[] {
    return [...this.#upstreams.values(), ...this.#scoped.values()].flatMap(
      ({ group }) => group ?? [],
    );
  }

  setUpstreams(upstreams: readonly Upstream[]): void {
    this.#upstreams = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
    this.#catalogs.clear();
  }

  setScoped(upstream: Upstream): void {
    this.#scoped.set(upstream.key, upstream);
  }

  removeScoped(upstream: Upstream): void {
    if (this.#scoped.get(upstream.key) === upstream) this.#scoped.delete(upstream.key);
  }

  upstream(name: string): Upstream | undefined {
    return this.#upstreams.get(name);
  }

  /** The instance of a key, if it is the one at work. */
  find(key: UnitKey): Upstream | undefined {
    const found = this.#scoped.get(key) ?? this.#upstreams.get(key);
    if (found !== undefined || !key.includes("#")) return found;
    const face = this.find(key.slice(0, key.lastIndexOf("#")));
    return face?.group?.members.find((member) => member.key === key);
  }

  /** The instance that serves a client under an upstream's name, or why there is none for it. */
  serving(session: Session, name: string): Upstream | Fault {
    const upstream = this.#upstreams.get(name);
    if (upstream === undefined || upstream.unit.disabled) return unavailable(name, upstream);
    const audience = audienceOf(upstream.unit, session);
    if (isFault(audience)) return audience;
    if (audience.kind === "user") return upstream;
    const unit = bindUnit(upstream.unit, audience);
    const standing = this.#scoped.get(unit.key);
    if (standing !== undefined) {
      // Moved to the end: the first are those unused for longest.
      this.#scoped.delete(unit.key);
      this.#scoped.set(unit.key, standing);
      return standing;
    }
    return this.#add(unit, audience);
  }

  /** The instances a client may use right now through its view. */
  inView(session: Session): readonly Upstream[] {
    const { view } = session;
    const names = view.kind === "one" ? [view.upstream] : [...this.#upstreams.keys()];
    return names.flatMap((name) => {
      const upstream = this.serving(session, name);
      return isFault(upstream) ? [] : [upstream];
    });
  }

  /** The instance a resource belongs to, as far as the lists are known. */
  ownerOf(uri: string, session: Session): Upstream | undefined {
    if (session.view.kind === "one") return this.inView(session)[0];
    const templates = this.catalog("templates", session);
    return (
      templates.targets.get(uri)?.upstream ??
      resolveUri(uri, this.catalog("resources", session), templates)
    );
  }

  /** What a name stands for in the aggregate, as far as the lists are known. */
  target(kind: ListKind, name: string, session: Session): Target | undefined {
    return resolveName(name, this.catalog(kind, session), (upstream) => {
      const serving = this.serving(session, upstream);
      return isFault(serving) ? undefined : serving;
    });
  }

  /** The sessions that an instance serves and that have finished their handshake. */
  watchers(upstream: Upstream): readonly Session[] {
    return [...this.sessions.values()].filter((session) => session.ready && session.sees(upstream));
  }

  /** One merged list as a client of the aggregate sees it; computed again after a change only. */
  catalog(kind: ListKind, session: Session): Catalog {
    const viewer = this.viewer(session);
    const catalogs = this.#catalogs.get(kind) ?? new Map<string, Catalog>();
    this.#catalogs.set(kind, catalogs);
    let catalog = catalogs.get(viewer);
    if (catalog === undefined) {
      catalog = mergeCatalog(kind, this.inView(session));
      if (catalogs.size >= LIMITS.catalogViews) catalogs.clear();
      catalogs.set(viewer, catalog);
    }
    return catalog;
  }

  /** The tools of the aggregate that a client may use, with all that their upstreams say. */
  allowedTools(session: Session): readonly Entry[] {
    const { profile } = session;
    const catalog = this.catalog("tools", session);
    if (profile === OPEN_PROFILE) return catalog.entries;
    return catalog.entries.filter((entry) => {
      const name = String(entry["name"]);
      const target = catalog.targets.get(name);
      return target === undefined || profileAllows(profile, namesOf(target, name));
    });
  }

  /** The tools that fit some words best, and how many fit. */
  searchTools(session: Session, query: string, limit: number): { found: Entry[]; total: number } {
    const catalog = this.catalog("tools", session);
    const serverOf = (name: string): string => catalog.targets.get(name)?.upstream.name ?? "";
    const search = this.#searches.get(catalog) ?? new ToolSearch(catalog.entries, serverOf);
    this.#searches.set(catalog, search);
    const allowed = new Set(this.allowedTools(session));
    const fitting = search.find(query).flatMap((index) => {
      const entry = catalog.entries[index];
      return entry !== undefined && allowed.has(entry) ? [entry] : [];
    });
    return { found: fitting.slice(0, limit), total: fitting.length };
  }

  /** Gives a session of the aggregate the profile that the config has for its client. */
  fit(session: Session): void {
    const merged = session.view.kind === "all";
    session.profile = merged ? profileFor(this.#profiles, session) : OPEN_PROFILE;
    session.drawer = session.profile.resultLength === null ? null : this.drawer;
  }

  setProfiles(turn: Turn, profiles: readonly Profile[]): void {
    this.#profiles = profiles;
    for (const session of this.sessions.values()) {
      const before = JSON.stringify(session.profile);
      this.fit(session);
      if (!session.ready || before === JSON.stringify(session.profile)) continue;
      notify(turn, session, LISTS.tools.changed, undefined);
    }
  }

  /** Sessions with equal viewers are shown the same lists. */
  viewer(session: Session): string {
    const view = session.view.kind === "one" ? session.view.upstream : "";
    let scope = "";
    for (const { unit } of this.#upstreams.values()) {
      if (unit.scope === "session") return `${view} session ${session.id}`;
      if (unit.scope === "project") scope = `project ${session.project ?? ""}`;
    }
    return `${view} ${scope}`;
  }

  /** Forgets the merged list and tells the sessions it concerns, each once. */
  listChanged(turn: Turn, kind: ListKind, audience: (session: Session) => boolean): void {
    this.#catalogs.delete(kind);
    for (const session of this.sessions.values()) {
      if (!session.ready || !audience(session)) continue;
      notify(turn, session, LISTS[kind].changed, undefined);
    }
  }

  #add(unit: Unit, audience: Audience): Upstream | Fault {
    if (this.#scoped.size >= LIMITS.scopedInstances) {
      const unused = this.scoped.find((upstream) => upstream.unused);
      if (unused === undefined) {
        const text = `There are ${LIMITS.scopedInstances} instances for projects and sessions, all in use`;
        return fault("upstream.busy", text, unit.upstream);
      }
      this.#scoped.delete(unused.key);
      this.evicted.push(unused);
    }
    const upstream = this.create(unit, audience);
    this.#scoped.set(unit.key, upstream);
    return upstream;
  }
}

/** Why a named upstream cannot be used: switched off, or not there. */
export function unavailable(name: string, upstream: Upstream | undefined): Fault {
  return upstream === undefined
    ? fault("upstream.unknown", `There is no upstream "${name}"`, name)
    : fault("upstream.disabled", `Upstream "${name}" is disabled`, name);
}

function audienceOf(unit: Unit, session: Session): Audience | Fault {
  if (unit.scope === "session")
    return { kind: "session", id: session.id, project: session.project };
  if (unit.scope === "user") return EVERYBODY;
  if (session.project !== null) return { kind: "project", root: session.project };
  const text = `Upstream "${unit.upstream}" runs once per project, and this client has not named one`;
  return fault("project.missing", text, unit.upstream);
}
