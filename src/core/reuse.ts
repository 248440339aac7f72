import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { type Call, forward, hold, outcomeOf, recordCall, settleCall } from "./forward.ts";
import { LIMITS } from "./limits.ts";
import { Json, type Outcome, type Params } from "./message.ts";
import { matches } from "./policy.ts";
import type { Upstream } from "./upstream.ts";
import type { World } from "./world.ts";

/** Where results are kept; they may vanish at any time. Outside, because it may be on disk. */
export interface Shelf {
  /** The text of a result that is still good, or null. */
  take(key: string): string | null;
  /** `group` is what forget() takes: the instance it came from. */
  keep(key: string, group: string, result: string, ttlMs: number): void;
  forget(group: string): void;
}

/** What an upstream gets for a request of a client, and what it is about. */
type Sent = { readonly params: Params | undefined; readonly target: string };

/** Somebody who wants what another is fetching. */
export type Follower = (turn: Turn, outcome: Outcome) => void;

/** Reads whose answer others may share while it is on its way, whatever the config says. */
const SHARED: ReadonlySet<string> = new Set(["resources/read", "prompts/get"]);

/**
 * Answers a request from what is kept, or with the answer to an equal one that is on its way, or
 * sends it on (MISSION D5). Equal is: the same instance, principal, project, method and params.
 */
export function obtain(world: World, turn: Turn, call: Call, upstream: Upstream, sent: Sent): void {
  const { method } = call.request;
  const isCall = method === "tools/call";
  const { forgottenBy, tools } = upstream.unit.settings.reuse;
  if (isCall && forgottenBy.some((glob) => matches(glob, sent.target))) {
    forget(world, upstream);
    const settled = (): void => forget(world, upstream);
    return forward(turn, call, upstream, { ...sent, settled });
  }
  const shared = isCall ? tools.some(({ glob }) => matches(glob, sent.target)) : SHARED.has(method);
  const key = shared ? keyOf(call, upstream, sent.params) : null;
  if (key === null) return forward(turn, call, upstream, sent);
  const kept = world.shelf.take(key);
  if (kept !== null) return give(turn, call, upstream, sent, Json.ofText(kept));
  const followers = upstream.fetching.get(key);
  if (followers === undefined) return lead(world, turn, call, upstream, { ...sent, key });
  hold(call, (resume) => {
    followers.push((later, outcome) => {
      resume(later, (now) => {
        // Whoever fetched it gave up, which is no answer to anybody else.
        if (outcomeOf(outcome) === "cancelled") obtain(world, now, call, upstream, sent);
        else settle(now, call, upstream, sent, outcome, "shared");
      });
    });
  });
}

/** Forgets what is kept of an instance, and what is on its way from before now. */
export function forget(world: World, upstream: Upstream): void {
  upstream.changes += 1;
  world.shelf.forget(groupOf(upstream));
}

function lead(
  world: World,
  turn: Turn,
  call: Call,
  upstream: Upstream,
  { key, ...sent }: Sent & { readonly key: string },
): void {
  const followers: Follower[] = [];
  const { changes } = upstream;
  upstream.fetching.set(key, followers);
  forward(turn, call, upstream, {
    ...sent,
    reuse: "miss",
    settled(later, outcome) {
      if (upstream.fetching.get(key) === followers) upstream.fetching.delete(key);
      const ttlMs = upstream.changes === changes ? ttlOf(call, upstream, sent, outcome) : 0;
      if (outcome.ok && ttlMs > 0) {
        world.shelf.keep(key, groupOf(upstream), outcome.result.text, ttlMs);
      }
      for (const follower of followers) follower(later, outcome);
    },
  });
}

/** How long an outcome may be given again; 0 for not at all. */
function ttlOf(call: Call, upstream: Upstream, { target }: Sent, outcome: Outcome): number {
  if (!outcome.ok || outcome.result.text.length > LIMITS.reuseResultLength) return 0;
  const { tools, resourcesMs } = upstream.unit.settings.reuse;
  const said = upstream.era === "modern" ? outcome.result.value : null;
  // A demand for input, or a task, is no result.
  if (isObject(said) && (said["resultType"] ?? "complete") !== "complete") return 0;
  if (call.request.method !== "tools/call") {
    const ttl = isObject(said) ? said["ttlMs"] : undefined;
    return typeof ttl === "number" ? ttl : resourcesMs;
  }
  const failed = outcome.result.text.includes('"isError"') && isFailed(outcome.result.value);
  return failed ? 0 : (tools.find(({ glob }) => matches(glob, target))?.ttlMs ?? 0);
}

function isFailed(result: unknown): boolean {
  return isObject(result) && result["isError"] === true;
}

function give(turn: Turn, call: Call, upstream: Upstream, sent: Sent, result: Json): void {
  settle(turn, call, upstream, sent, { ok: true, result }, "hit");
}

function settle(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  { target }: Sent,
  outcome: Outcome,
  reuse: "hit" | "shared",
): void {
  settleCall(turn, call, upstream, outcome);
  recordCall(turn, call, upstream, { target, durationMs: 0, reuse }, outcome);
}

/** Null for a request that is not like any other: it reports progress, or is too long. */
function keyOf({ session, request }: Call, upstream: Upstream, params: Params = {}): string | null {
  const { _meta, ...rest } = params;
  if (isObject(_meta) && _meta["progressToken"] !== undefined) return null;
  if ("task" in rest || "inputResponses" in rest || "requestState" in rest) return null;
  const { principal, project } = session;
  const key = JSON.stringify(
    [groupOf(upstream), principal, project, request.method, rest],
    sortedKeys,
  );
  return key.length > LIMITS.reuseKeyLength ? null : key;
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function groupOf({ key, unit }: Upstream): string {
  return `${key} ${unit.hash}`;
}
