import type { Turn } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import type { Fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";
import {
  EMPTY_LISTING,
  entriesOf,
  type Entry,
  LIST_KINDS,
  type Listing,
  listingOf,
  type ListKind,
  LISTS,
  nextCursorOf,
} from "./listing.ts";
import type { Replicas } from "./replicas.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** Loads the lists of an upstream whose handshake is done. */
export function loadLists(world: World, turn: Turn, upstream: Upstream): void {
  for (const kind of LIST_KINDS) loadList(world, turn, upstream, kind);
}

/** Marks a list to be loaded again soon: many notifications in a row cost one load. */
export function markStale(turn: Turn, upstream: Upstream, method: string): void {
  for (const kind of LIST_KINDS) {
    if (LISTS[kind].changed !== method || upstream.staleLists.has(kind)) continue;
    upstream.staleLists.set(kind, turn.nowMs + LIMITS.listChangedDelayMs);
  }
}

/** Loads the lists whose time has come. */
export function reloadStale(world: World, turn: Turn, upstream: Upstream): void {
  for (const [kind, dueMs] of upstream.staleLists) {
    if (dueMs > turn.nowMs) continue;
    upstream.staleLists.delete(kind);
    if (upstream.phase === "ready") loadList(world, turn, upstream, kind);
  }
}

/**
 * Calls `done` once the lists of all these upstreams are known, or given up, or the wait is over.
 * Starts what is not running. One that fails never holds up the others.
 */
export function gather(
  world: World,
  turn: Turn,
  upstreams: readonly Upstream[],
  done: (turn: Turn) => void,
): void {
  const missing = upstreams.filter((upstream) => !upstream.listed);
  if (missing.length === 0) return done(turn);
  const gathering = { left: missing.length, deadlineMs: turn.nowMs + LIMITS.listWaitMs, done };
  world.gatherings.add(gathering);
  const arrived = (later: Turn): void => {
    gathering.left -= 1;
    if (gathering.left > 0 || !world.gatherings.delete(gathering)) return;
    done(later);
  };
  for (const upstream of missing) {
    // One asks for all who wait, so that lists do not take the places of calls.
    if (upstream.listWaiters.push(arrived) > 1) continue;
    upstream.whenReady(turn, {
      proceed: () => {},
      fail: (later) => releaseWaiters(upstream, later),
    });
  }
}

/** Ends the waits that have taken too long: whoever waits goes on with what is known. */
export function expireGatherings(world: World, turn: Turn): void {
  for (const gathering of world.gatherings) {
    if (gathering.deadlineMs > turn.nowMs) continue;
    world.gatherings.delete(gathering);
    gathering.done(turn);
  }
}

/** Lets go of those who wait for the lists of one upstream. */
export function releaseWaiters(upstream: Upstream, turn: Turn): void {
  const waiters = upstream.listWaiters;
  upstream.listWaiters = [];
  for (const waiter of waiters) waiter(turn);
}

/**
 * Gives replicas the lists of the first that can speak: there is no union, since a tool that only
 * one has would work now and then. That they differ is a condition.
 */
export function speakFor(world: World, turn: Turn, group: Replicas): void {
  const { face } = group;
  if (face.retired !== null) return;
  const differ = new Set<string>();
  for (const kind of LIST_KINDS) {
    const [speaker, ...others] = group.speakers(kind);
    const listing = speaker?.listings.get(kind);
    if (listing === undefined) continue;
    const { fingerprint } = listing;
    for (const other of others) {
      if (other.listings.get(kind)?.fingerprint !== fingerprint)
        differ.add(`${kind} of ${other.key}`);
    }
    const known = face.listings.get(kind);
    if (known?.fingerprint !== fingerprint) storeList(world, turn, face, kind, listing);
  }
  const disagreement = differ.size === 0 ? null : [...differ].join(", ");
  if (disagreement === group.disagreement) return;
  group.disagreement = disagreement;
  turn.add({ kind: "disagree", upstream: face, text: disagreement });
}

/** One of several cannot be started: with the last of them, whoever waits is told. */
export function giveUp(turn: Turn, upstream: Upstream, problem: Fault): void {
  const { group } = upstream;
  if (group === null || !group.down(upstream)) return;
  group.face.waiting.fail(turn, problem);
  releaseWaiters(group.face, turn);
}

function loadList(world: World, turn: Turn, upstream: Upstream, kind: ListKind): void {
  if (!upstream.has(LISTS[kind].capability)) {
    return storeList(world, turn, upstream, kind, EMPTY_LISTING);
  }
  const entries: Entry[] = [];
  const nextPage = (now: Turn, cursor: string | undefined, page: number): void => {
    upstream.ask(
      now,
      new Exchange({
        method: LISTS[kind].method,
        params: cursor === undefined ? undefined : { cursor },
        settle(later, outcome) {
          if (!outcome.ok) {
            const text = `${LISTS[kind].method} failed: ${outcome.error.message}`;
            later.add({ kind: "oddity", upstream, text });
            const standing = upstream.listings.get(kind) ?? EMPTY_LISTING;
            return storeList(world, later, upstream, kind, standing);
          }
          entries.push(...entriesOf(kind, outcome.result.value));
          const next = nextCursorOf(outcome.result.value);
          const full = page >= LIMITS.listPages || entries.length >= LIMITS.listEntries;
          if (next !== undefined && !full) return nextPage(later, next, page + 1);
          const kept = entries.slice(0, LIMITS.listEntries);
          storeList(world, later, upstream, kind, listingOf(kept));
        },
      }),
    );
  };
  nextPage(turn, undefined, 1);
}

function storeList(
  world: World,
  turn: Turn,
  upstream: Upstream,
  kind: ListKind,
  listing: Listing,
): void {
  if (upstream.group !== null && upstream.group.face !== upstream) {
    upstream.listings.set(kind, listing);
    return speakFor(world, turn, upstream.group);
  }
  const before = upstream.listings.get(kind);
  upstream.listings.set(kind, listing);
  if (world.find(upstream.key) === upstream) {
    const known = before ?? EMPTY_LISTING;
    const changed = known.fingerprint !== listing.fingerprint;
    const late = before === undefined;
    // A first load is news only to those who were shown the aggregate without it.
    if (changed) {
      world.listChanged(turn, kind, (session) =>
        late
          ? session.view.kind === "all" && session.listed && session.sees(upstream)
          : session.sees(upstream),
      );
    }
  }
  if (!upstream.listed) return;
  turn.add({ kind: "remember", upstream });
  releaseWaiters(upstream, turn);
}
