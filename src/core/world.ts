import { type Catalog, mergeCatalog } from "./catalog.ts";
import type { Turn } from "./effect.ts";
import { type ListKind, LISTS } from "./listing.ts";
import { encode } from "./message.ts";
import type { Session, View } from "./session.ts";
import type { Upstream } from "./upstream.ts";

/** Somebody who waits for several upstreams, but not for ever. */
export type Gathering = { left: number; readonly deadlineMs: number; done: (turn: Turn) => void };

/** All that is going on: the sessions, the upstreams in the order of the config, and who waits. */
export class World {
  readonly about: { readonly name: string; readonly version: string };
  readonly sessions = new Map<string, Session>();
  readonly gatherings = new Set<Gathering>();
  #upstreams = new Map<string, Upstream>();
  readonly #catalogs = new Map<ListKind, Catalog>();

  constructor(about: { readonly name: string; readonly version: string }) {
    this.about = about;
  }

  get upstreams(): readonly Upstream[] {
    return [...this.#upstreams.values()];
  }

  setUpstreams(upstreams: readonly Upstream[]): void {
    this.#upstreams = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
    this.#catalogs.clear();
  }

  upstream(name: string): Upstream | undefined {
    return this.#upstreams.get(name);
  }

  /** An upstream by its name, unless it is switched off. */
  enabled(name: string): Upstream | undefined {
    const upstream = this.#upstreams.get(name);
    return upstream?.unit.disabled === false ? upstream : undefined;
  }

  /** The upstreams a client may use right now through a view. */
  inView(view: View): readonly Upstream[] {
    const all = this.upstreams.filter((upstream) => !upstream.unit.disabled);
    return view.kind === "all" ? all : all.filter((upstream) => upstream.name === view.upstream);
  }

  /** The sessions that see an upstream and have finished their handshake. */
  watchers(upstream: Upstream): readonly Session[] {
    return [...this.sessions.values()].filter(
      (session) => session.ready && session.sees(upstream.name),
    );
  }

  /** One merged list of the aggregate; computed again only after something changed. */
  catalog(kind: ListKind): Catalog {
    let catalog = this.#catalogs.get(kind);
    if (catalog === undefined) {
      catalog = mergeCatalog(kind, this.inView({ kind: "all" }));
      this.#catalogs.set(kind, catalog);
    }
    return catalog;
  }

  /** Forgets the merged list and tells the sessions it concerns, each once. */
  listChanged(turn: Turn, kind: ListKind, audience: (session: Session) => boolean): void {
    this.#catalogs.delete(kind);
    const text = encode({ kind: "notification", method: LISTS[kind].changed, params: undefined });
    for (const session of this.sessions.values()) {
      if (session.ready && audience(session)) turn.add({ kind: "push", session, text });
    }
  }
}
