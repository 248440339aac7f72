import type { Turn } from "./effect.ts";
import { LIST_KINDS, LISTS } from "./listing.ts";
import { markStale } from "./lists.ts";
import {
  encode,
  Json,
  type Message,
  type Notification,
  type Request,
  type Response,
} from "./message.ts";
import type { Session } from "./session.ts";
import { updated } from "./subscriptions.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** Takes one message of an upstream: an answer, news, or a request of its own. */
export function receiveFromUpstream(
  world: World,
  turn: Turn,
  upstream: Upstream,
  message: Message,
): void {
  switch (message.kind) {
    case "response":
      return settle(turn, upstream, message);
    case "notification":
      return notice(world, turn, upstream, message);
    case "request":
      return answerUpstream(turn, upstream, message);
  }
}

function settle(turn: Turn, upstream: Upstream, response: Response): void {
  const exchange = upstream.exchanges.take(response);
  if (exchange?.settle(turn, response.outcome) === true) return;
  // Late after a cancellation or a time-out, answered twice, or an id we never gave out.
  const text = `answered ${JSON.stringify(response.id)}, which nobody waits for`;
  turn.add({ kind: "oddity", upstream, text });
}

function notice(world: World, turn: Turn, upstream: Upstream, message: Notification): void {
  const { method, params } = message;
  switch (method) {
    case "notifications/progress": {
      const progress = upstream.exchanges.progress(params);
      if (progress === undefined) return;
      progress.exchange.extend(turn.nowMs);
      progress.exchange.onProgress?.(turn, progress.params);
      return;
    }
    case "notifications/message":
      return logMessage(world, turn, upstream, message);
    case "notifications/resources/updated":
      return updated(turn, upstream, params);
    case "notifications/cancelled":
      return;
    default:
      if (LIST_KINDS.some((kind) => LISTS[kind].changed === method)) {
        return markStale(turn, upstream, method);
      }
      // What mcpd does not know may still mean something to a client of that upstream alone.
      for (const session of world.watchers(upstream)) {
        if (session.view.kind === "one") push(turn, session, message);
      }
  }
}

/**
 * A shared upstream does not say whose call a log message is about. With the calls of one session
 * in flight it is that session's; with none it concerns everybody; with several it is nobody's,
 * since what one project does is no business of another (protocol row 6: never guess, never
 * broadcast).
 */
function logMessage(world: World, turn: Turn, upstream: Upstream, message: Notification): void {
  const level = message.params?.["level"];
  const busy = upstream.exchanges.sessions();
  if (busy.size > 1) {
    const text = `log message could belong to ${busy.size} sessions: kept out of all of them`;
    return turn.add({ kind: "oddity", upstream, text });
  }
  const audience = busy.size === 1 ? busy : world.watchers(upstream);
  for (const session of audience) if (session.wantsLevel(level)) push(turn, session, message);
}

/** Of what a server may ask a client, only `ping` needs no client to answer it. */
function answerUpstream(turn: Turn, upstream: Upstream, request: Request): void {
  const outcome: Response["outcome"] =
    request.method === "ping"
      ? { ok: true, result: Json.ofValue({}) }
      : { ok: false, error: { code: -32601, message: `Method not found: ${request.method}` } };
  const text = encode({ kind: "response", id: request.id, outcome });
  turn.add({ kind: "send", upstream, text, exchange: null });
}

function push(turn: Turn, session: Session, message: Notification): void {
  turn.add({ kind: "push", session, text: encode(message) });
}
