import type { Turn } from "./effect.ts";
import { Exchange } from "./exchange.ts";
import { homeOf } from "./face.ts";
import { isFault } from "./fault.ts";
import { type Outcome, type Params, success } from "./message.ts";
import { notify } from "./notify.ts";
import { MCP_LOG_LEVELS, type McpLogLevel, type Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";
import { JUST_START } from "./waiting.ts";
import type { World } from "./world.ts";

/** Adds a subscriber; true when it is the first, so that the upstream has to be asked. */
export function subscribe(
  world: World,
  turn: Turn,
  upstream: Upstream,
  session: Session,
  uri: string,
): boolean {
  // It may stand at a replica that was lost since: it is told by one of them.
  if (session.subscriptions.get(uri) !== upstream.key) leave(world, turn, session, uri);
  const subscribers = upstream.subscribers.get(uri) ?? new Set();
  const first = subscribers.size === 0;
  upstream.subscribers.set(uri, subscribers.add(session));
  session.subscriptions.set(uri, upstream.key);
  return first;
}

/** Subscribes a client again that expects to be told: that starts what serves it now. */
export function resubscribe(
  world: World,
  turn: Turn,
  session: Session,
  name: string,
  uri: string,
): void {
  const serving = world.serving(session, name);
  if (isFault(serving)) return;
  const upstream = homeOf(serving, session);
  const first = subscribe(world, turn, upstream, session, uri);
  if (upstream.phase !== "ready") upstream.whenReady(turn, JUST_START);
  else if (first) follow(turn, upstream, uri);
}

/** Removes a subscriber; true when it was the last, so that the upstream can be told. */
export function unsubscribe(upstream: Upstream, session: Session, uri: string): boolean {
  session.subscriptions.delete(uri);
  const subscribers = upstream.subscribers.get(uri);
  if (subscribers === undefined || !subscribers.delete(session)) return false;
  if (subscribers.size > 0) return false;
  upstream.subscribers.delete(uri);
  return true;
}

/** Takes a leaving session off all its resources. */
export function unsubscribeAll(world: World, turn: Turn, session: Session): void {
  for (const uri of session.subscriptions.keys()) leave(world, turn, session, uri);
}

function leave(world: World, turn: Turn, session: Session, uri: string): void {
  const upstream = world.find(session.subscriptions.get(uri) ?? "");
  if (upstream === undefined || !unsubscribe(upstream, session, uri)) return;
  if (upstream.phase === "ready") unfollow(turn, upstream, uri);
}

/** Gives a fresh instance what its predecessor had been asked for. */
export function restore(world: World, turn: Turn, upstream: Upstream): void {
  if (upstream.era === "modern") return syncListening(turn, upstream);
  syncLogLevel(world, turn, upstream);
  for (const uri of upstream.subscribers.keys()) follow(turn, upstream, uri);
}

/** Asks an upstream for updates of a resource that has got its first subscriber. */
export function follow(turn: Turn, upstream: Upstream, uri: string): void {
  if (upstream.era === "modern") syncListening(turn, upstream);
  else ask(turn, upstream, "resources/subscribe", { uri });
}

/** Moves what clients subscribed to at a replica that is gone to one that is there. */
export function bequeath(world: World, turn: Turn, from: Upstream): void {
  const heir = from.group?.heir(from);
  if (heir === undefined || from.retired !== null) return;
  for (const [uri, sessions] of from.subscribers) {
    from.subscribers.delete(uri);
    for (const session of sessions) {
      from.group?.stay(session, heir);
      if (subscribe(world, turn, heir, session, uri)) follow(turn, heir, uri);
    }
  }
}

/** Tells an upstream that a resource has lost its last subscriber. */
export function unfollow(turn: Turn, upstream: Upstream, uri: string): void {
  if (upstream.era === "modern") syncListening(turn, upstream);
  else ask(turn, upstream, "resources/unsubscribe", { uri });
}

/**
 * Keeps the one subscription at a modern upstream in step with what its clients want: a new one is
 * opened before the old one is given up, so that nothing is missed.
 */
export function syncListening(turn: Turn, upstream: Upstream): void {
  const taskIds = upstream.tasks.watched;
  const notifications = {
    toolsListChanged: upstream.has("tools"),
    promptsListChanged: upstream.has("prompts"),
    resourcesListChanged: upstream.has("resources"),
    resourceSubscriptions: [...upstream.subscribers.keys()],
    ...(taskIds.length === 0 ? {} : { taskIds }),
  };
  const filter = JSON.stringify(notifications);
  const old = upstream.listening;
  if (old?.filter === filter) return;
  const exchange = new Exchange({
    method: "subscriptions/listen",
    params: { notifications },
    background: true,
    settle(later, outcome) {
      if (upstream.listening?.exchange === exchange) upstream.listening = null;
      if (outcome.ok) return;
      const text = `subscriptions/listen ended: ${outcome.error.message}`;
      later.add({ kind: "oddity", upstream, text });
    },
  });
  upstream.listening = { filter, exchange };
  upstream.ask(turn, exchange);
  if (old === null) return;
  upstream.withdraw(turn, old.exchange, "replaced by a newer subscription");
  old.exchange.settle(turn, success({}));
}

/** Passes an update on to those who subscribed to the resource or to a part above it. */
export function updated(turn: Turn, upstream: Upstream, params: Params | undefined): void {
  const uri = params?.["uri"];
  if (typeof uri !== "string") return;
  const told = new Set<Session>();
  for (const [subscribed, sessions] of upstream.subscribers) {
    if (uri !== subscribed && !uri.startsWith(`${subscribed.replace(/\/$/, "")}/`)) continue;
    for (const session of sessions) {
      // One that is being replaced may know of a subscription that has ended at its successor.
      if (told.has(session) || !session.subscriptions.has(subscribed)) continue;
      told.add(session);
      notify(turn, session, "notifications/resources/updated", params);
    }
  }
}

/** Keeps the upstream's log level at the most verbose that any of its sessions asked for. */
export function syncLogLevel(world: World, turn: Turn, upstream: Upstream): void {
  // A modern upstream hears each request's own level.
  if (upstream.phase !== "ready" || upstream.era === "modern" || !upstream.has("logging")) return;
  const levels = world.watchers(upstream).flatMap((session) => session.logLevel ?? []);
  const level = mostVerbose(levels);
  if (level === null || level === upstream.logLevel) return;
  upstream.logLevel = level;
  ask(turn, upstream, "logging/setLevel", { level });
}

function mostVerbose(levels: readonly McpLogLevel[]): McpLogLevel | null {
  return MCP_LOG_LEVELS.find((level) => levels.includes(level)) ?? null;
}

/** Asks an upstream for something on behalf of all its clients. */
function ask(turn: Turn, upstream: Upstream, method: string, params: Params): void {
  const settle = (later: Turn, outcome: Outcome): void => {
    if (!outcome.ok) later.add({ kind: "oddity", upstream, text: `${method} was refused` });
  };
  upstream.ask(turn, new Exchange({ method, params, settle }));
}
