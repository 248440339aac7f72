import type { Channel, Turn } from "./effect.ts";
import { META, metaOf } from "./envelope.ts";
import type { Exchange } from "./exchange.ts";
import { encode, type Params } from "./message.ts";
import type { Session } from "./session.ts";

/** The member of a subscription filter that each notification needs (2026-07-28, subscriptions). */
const FILTERS: { readonly [method: string]: string } = {
  "notifications/tools/list_changed": "toolsListChanged",
  "notifications/prompts/list_changed": "promptsListChanged",
  "notifications/resources/list_changed": "resourcesListChanged",
};

/** Those that are told to whom they concern only: a resource or task that was named. */
const UNFILTERED: ReadonlySet<string> = new Set([
  "notifications/resources/updated",
  "notifications/tasks",
]);

/**
 * Tells a session something that belongs to no request of it: a legacy client on its own stream, a
 * modern one on the stream of the subscription that asked for it, or not at all.
 */
export function notify(
  turn: Turn,
  session: Session,
  method: string,
  params: Params | undefined,
): void {
  const { listening } = session;
  if (session.era === "legacy") {
    const text = encode({ kind: "notification", method, params: untagged(params) });
    return turn.add({ kind: "push", session, text, keep: true });
  }
  if (listening === null) return;
  const filter = FILTERS[method];
  const wanted = filter === undefined ? UNFILTERED.has(method) : listening.filter[filter] === true;
  if (!wanted) return;
  const tagged = { ...params, _meta: { ...metaOf(params), [META.subscription]: listening.id } };
  const text = encode({ kind: "notification", method, params: tagged });
  turn.add({ kind: "note", channel: listening.channel, text });
}

/** Asks a client for something: on the stream of its call where that has one. */
export function askClient(
  turn: Turn,
  session: Session,
  exchange: Exchange,
  channel: Channel | null | undefined,
): void {
  const text = encode(session.asks.enter(exchange, turn.nowMs, Number.POSITIVE_INFINITY));
  if (channel?.streams === true) turn.add({ kind: "note", channel, text });
  else turn.add({ kind: "push", session, text, keep: true });
}

/** The tag of mcpd's own subscription at a modern upstream means nothing to a client. */
function untagged(params: Params | undefined): Params | undefined {
  if (metaOf(params)?.[META.subscription] === undefined) return params;
  const { [META.subscription]: _tag, ...meta } = metaOf(params) ?? {};
  return { ...params, _meta: meta };
}
