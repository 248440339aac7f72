import type { Turn } from "./effect.ts";
import { fault } from "./fault.ts";
import { LIST_KINDS, LISTS } from "./listing.ts";
import { markStale } from "./lists.ts";
import {
  encode,
  faultResponse,
  type Message,
  type Notification,
  type Params,
  type Request,
  type Response,
  resultResponse,
} from "./message.ts";
import { notify } from "./notify.ts";
import { isQuestion } from "./question-methods.ts";
import { ask } from "./questions.ts";
import { forget } from "./reuse.ts";
import type { Session } from "./session.ts";
import { updated } from "./subscriptions.ts";
import { relatedTask } from "./tasks.ts";
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
      return answerUpstream(world, turn, upstream, message);
  }
}

function settle(turn: Turn, upstream: Upstream, response: Response): void {
  const exchange = upstream.exchanges.take(turn, response);
  if (exchange !== undefined) {
    const { outcome } = response;
    if (upstream.group?.answered(turn, upstream, exchange, outcome) !== true) {
      exchange.settle(turn, outcome);
    }
    return;
  }
  // Answered twice, or an id we never gave out.
  const text = `answered ${JSON.stringify(response.id)}, which nobody waits for`;
  turn.add({ kind: "oddity", upstream, text });
}

function notice(world: World, turn: Turn, upstream: Upstream, message: Notification): void {
  const { method, params } = message;
  switch (method) {
    case "notifications/progress": {
      const progress = upstream.exchanges.progress(params);
      if (progress === undefined) return taskProgress(world, turn, upstream, message);
      progress.exchange.extend(turn.nowMs);
      progress.exchange.onProgress?.(turn, progress.params);
      return;
    }
    case "notifications/message":
      return logMessage(world, turn, upstream, message);
    case "notifications/resources/updated":
      forget(world, upstream);
      return updated(turn, upstream, params);
    case "notifications/subscriptions/acknowledged":
      return;
    case "notifications/cancelled":
      return withdrawn(turn, upstream, params);
    case "notifications/tasks/status":
      upstream.tasks.note(params);
      return pushTo(world, turn, upstream.tasks.owner(params?.["taskId"]), message);
    case "notifications/tasks":
      upstream.tasks.note(params);
      for (const session of upstream.tasks.watchers(params?.["taskId"])) {
        notify(turn, session, method, params);
      }
      return;
    case "notifications/elicitation/complete":
      return pushTo(world, turn, upstream.elicitations.take(params?.["elicitationId"]), message);
    default:
      if (LIST_KINDS.some((kind) => LISTS[kind].changed === method)) {
        forget(world, upstream);
        return markStale(turn, upstream, method);
      }
      // What mcpd does not know may still mean something to a client of that upstream alone.
      for (const session of world.watchers(upstream)) {
        if (session.view.kind !== "one" || session.era === "modern") continue;
        turn.add({ kind: "push", session, text: encode(message), keep: true });
      }
  }
}

/** A task goes on under the progress token of the call that made it, which has been answered. */
function taskProgress(
  world: World,
  turn: Turn,
  { tasks }: Upstream,
  { kind, method, params }: Notification,
): void {
  const found = tasks.progress(params);
  if (found === null) return;
  pushTo(world, turn, found.owner, { kind, method, params: found.params });
}

/** Tells the one session that a message concerns, if it is still there. */
function pushTo(
  world: World,
  turn: Turn,
  sessionId: string | undefined,
  message: Notification,
): void {
  const session = world.sessions.get(sessionId ?? "");
  if (session !== undefined) turn.add({ kind: "push", session, text: encode(message), keep: true });
}

/**
 * A shared upstream does not say whose call a log message is about. With the calls of one session
 * in flight it is that session's; with none it is for those who have asked for logs with
 * "logging/setLevel"; with several it is nobody's, since what one project does is no business of
 * another (protocol row 6: never guess, never broadcast). One of a task says so.
 */
function logMessage(world: World, turn: Turn, upstream: Upstream, message: Notification): void {
  const level = message.params?.["level"];
  const task = relatedTask(message.params);
  if (task !== null) {
    const owner = world.sessions.get(upstream.tasks.owner(task) ?? "");
    if (owner?.wantsLevel(level) === true) pushTo(world, turn, owner.id, message);
    return;
  }
  const busy = atWork(world, upstream);
  if (busy.size > 1) {
    const text = `log message could belong to ${busy.size} sessions: kept out of all of them`;
    return turn.add({ kind: "oddity", upstream, text });
  }
  const [call, ...others] = upstream.exchanges.calls();
  const channel = others.length === 0 ? call?.channel : undefined;
  if (call?.session?.wantsLevel(level) === true && channel?.streams === true) {
    return turn.add({ kind: "note", channel, text: encode(message) });
  }
  const asked = world.watchers(upstream).filter(({ logLevel }) => logLevel !== null);
  const audience = busy.size === 1 ? busy : asked;
  const text = encode(message);
  for (const session of audience) {
    // Log messages of the modern era travel on the stream of their request, nowhere else.
    if (session.era === "modern" || !session.wantsLevel(level)) continue;
    turn.add({ kind: "push", session, text, keep: false });
  }
}

/** The sessions that an upstream works for: on a call, or on a task. */
function atWork(world: World, { exchanges, tasks }: Upstream): ReadonlySet<Session> {
  const sessions = new Set(exchanges.sessions());
  for (const owner of tasks.owners) {
    const session = world.sessions.get(owner);
    if (session !== undefined) sessions.add(session);
  }
  return sessions;
}

function answerUpstream(world: World, turn: Turn, upstream: Upstream, request: Request): void {
  const { id, method } = request;
  if (isQuestion(method)) return ask(world, turn, upstream, request);
  const unknown = fault("method.unknown", `Method not found: ${method}`);
  upstream.respond(turn, method === "ping" ? resultResponse(id, {}) : faultResponse(id, unknown));
}

/** The upstream gives up on a question of its own. */
function withdrawn(turn: Turn, upstream: Upstream, params: Params | undefined): void {
  const id = params?.["requestId"];
  if (typeof id === "string" || typeof id === "number") upstream.questions.get(id)?.drop(turn);
}
