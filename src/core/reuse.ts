import type { Turn } from "./effect.ts";
import { isObject } from "./envelope.ts";
import { faceOf, runnable } from "./face.ts";
import { type Call, forward, hold, settleCall } from "./forward.ts";
import { isRawNumber } from "./json.ts";
import { LIMITS } from "./limits.ts";
import { Json, type Outcome, type Params } from "./message.ts";
import { matches } from "./policy.ts";
import { capabilitiesOf } from "./question-methods.ts";
import { outcomeOf, recordCall } from "./record.ts";
import type { Session } from "./session.ts";
import type { Upstream } from "./upstream.ts";
import { URL_REQUIRED } from "./url-elicitation.ts";
import type { World } from "./world.ts";

/** Where results are kept; they may vanish at any time. Outside, because it may be on disk. */
export interface Shelf {
  /** The text of a result that is still good, and how long it has been kept; or null. */
  take(key: string): { readonly text: string; readonly ageMs: number } | null;
  /** `group` is what forget() takes: the instance it came from. */
  keep(key: string, group: string, result: string, ttlMs: number): void;
  forget(group: string): void;
}

/** What an upstream gets for a request of a client, and what it is about. */
type Sent = { readonly params: Params | undefined; readonly target: string };

/** A read on its way, and those who want the same. */
export type Flight = {
  readonly leader: Session;
  readonly followers: ((turn: Turn, outcome: Outcome) => void)[];
};

/** Reads whose answer others may share while it is on its way, whatever the config says. */
const SHARED: ReadonlySet<string> = new Set(["resources/read", "prompts/get"]);

/**
 * Answers a request from what is kept, or with the answer to an equal one that is on its way, or
 * sends it on (MISSION D5). Equal is: the same instance with the same secrets, principal, project,
 * method and params.
 */
export function obtain(world: World, turn: Turn, call: Call, upstream: Upstream, sent: Sent): void {
  const { method } = call.request;
  const isCall = method === "tools/call";
  const { forgottenBy, tools } = upstream.unit.settings.reuse;
  if (isCall && forgottenBy.some((glob) => matches(glob, sent.target))) {
    return change(world, turn, call, upstream, sent);
  }
  const shared = isCall ? tools.some(({ glob }) => matches(glob, sent.target)) : SHARED.has(method);
  const key = shared ? keyOf(world, call, upstream, sent.params) : null;
  if (key === null) return pass(turn, call, upstream, sent);
  const kept = world.ports.shelf().take(key);
  if (kept !== null) return give(turn, call, upstream, sent, kept);
  const flight = upstream.fetching.get(flightOf(key, call));
  // One that stands behind the flood of its own client would hold up others.
  if (
    flight === undefined ||
    (flight.leader !== call.session &&
      runnable(upstream).some(({ allowance }) => allowance.holds(flight.leader)))
  ) {
    return lead(world, turn, call, upstream, { ...sent, key });
  }
  hold(call, (resume) => {
    flight.followers.push((later, outcome) => {
      resume(later, (now) => {
        // Whoever fetched it gave up, which is no answer to anybody else.
        if (outcomeOf(outcome) === "cancelled") obtain(world, now, call, upstream, sent);
        else if (!isForAll(outcome)) pass(now, call, upstream, sent);
        else settle(now, call, upstream, sent, outcome, "shared");
      });
    });
  });
}

/** Sends what is like no other request, and may change something. */
function pass(turn: Turn, call: Call, upstream: Upstream, sent: Sent): void {
  forward(turn, call, upstream, { ...sent, settled: () => outdate(upstream) });
}

/** Something may have changed: who asks from now on must not get what was read before. */
export function outdate(upstream: Upstream): void {
  faceOf(upstream).fetching.clear();
}

/**
 * Sends what changes something. What is read meanwhile is not kept: should the daemon end before
 * the answer, the next one must not show what was before.
 */
function change(world: World, turn: Turn, call: Call, upstream: Upstream, sent: Sent): void {
  faceOf(upstream).changing += 1;
  forget(world, upstream);
  forward(turn, call, upstream, {
    ...sent,
    settled() {
      // It may have become one of several meanwhile.
      faceOf(upstream).changing -= 1;
      forget(world, upstream);
    },
    // One that was given up may have been done since.
    released: () => forget(world, upstream),
  });
}

/** Forgets what is kept of an instance, and what is on its way from before now. */
export function forget(world: World, upstream: Upstream): void {
  outdate(upstream);
  const face = faceOf(upstream);
  face.changes += 1;
  world.ports.shelf().forget(groupOf(face));
}

function lead(
  world: World,
  turn: Turn,
  call: Call,
  upstream: Upstream,
  { key, ...sent }: Sent & { readonly key: string },
): void {
  const flight: Flight = { leader: call.session, followers: [] };
  const { changes } = upstream;
  const flightKey = flightOf(key, call);
  upstream.fetching.set(flightKey, flight);
  forward(turn, call, upstream, {
    ...sent,
    reuse: "miss",
    settled(later, outcome) {
      if (upstream.fetching.get(flightKey) === flight) upstream.fetching.delete(flightKey);
      const calm = upstream.changes === changes && upstream.changing === 0;
      const known = calm && knowsSecrets(world, upstream);
      const ttlMs = known ? ttlOf(call, upstream, sent, outcome) : 0;
      if (outcome.ok && ttlMs > 0) {
        world.ports.shelf().keep(key, groupOf(upstream), outcome.result.text, ttlMs);
      }
      for (const follower of flight.followers) follower(later, outcome);
    },
  });
}

/** Whether what runs of an upstream was started with the secrets of now: they may be new. */
function knowsSecrets(world: World, upstream: Upstream): boolean {
  return runnable(upstream).every(({ phase, secretMark, unit }) => {
    return phase !== "ready" || secretMark === world.ports.secretMark(unit);
  });
}

/** How long an outcome may be given again; 0 for not at all. */
function ttlOf(call: Call, upstream: Upstream, { target }: Sent, outcome: Outcome): number {
  if (!outcome.ok || outcome.result.length > LIMITS.reuseResultLength) return 0;
  const { tools, resourcesMs } = upstream.unit.settings.reuse;
  const said = upstream.spokenEra === "modern" ? outcome.result.value : null;
  if (isObject(said) && !isComplete(said)) return 0;
  if (call.request.method !== "tools/call") {
    const ttl = isObject(said) ? said["ttlMs"] : undefined;
    return typeof ttl === "number" ? Math.min(ttl, LIMITS.reuseSaidMs) : resourcesMs;
  }
  const failed = outcome.result.text.includes('"isError"') && isFailed(outcome.result.value);
  return failed ? 0 : (tools.find(({ glob }) => matches(glob, target))?.ttlMs ?? 0);
}

/** Whether an outcome answers equal requests of other clients as well. */
function isForAll(outcome: Outcome): boolean {
  if (!outcome.ok) return outcome.error.code !== URL_REQUIRED;
  const { text } = outcome.result;
  if (text.length > LIMITS.reuseResultLength || !text.includes('"resultType"')) return true;
  const { value } = outcome.result;
  return !isObject(value) || isComplete(value);
}

/** A demand for input, or a task, is no result, and concerns one client. */
function isComplete(result: Params): boolean {
  return (result["resultType"] ?? "complete") === "complete";
}

function isFailed(result: unknown): boolean {
  return isObject(result) && result["isError"] === true;
}

/** Gives what is kept; of the time it is good for, what has passed is over. */
function give(
  turn: Turn,
  call: Call,
  upstream: Upstream,
  sent: Sent,
  { text, ageMs }: { readonly text: string; readonly ageMs: number },
): void {
  const told = call.session.era === "modern" && text.includes('"ttlMs"');
  const result = told ? aged(Json.ofText(text), ageMs) : Json.ofText(text);
  settle(turn, call, upstream, sent, { ok: true, result }, "hit");
}

function aged(result: Json, ageMs: number): Json {
  const { value } = result;
  if (!isObject(value) || typeof value["ttlMs"] !== "number") return result;
  return Json.ofValue({ ...value, ttlMs: Math.max(0, value["ttlMs"] - ageMs) });
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

/**
 * Null for a request that is not like any other: it reports progress, is too long, or nobody can
 * tell whose secrets it is answered with.
 */
function keyOf(
  world: World,
  { session, request }: Call,
  upstream: Upstream,
  params: Params = {},
): string | null {
  const { _meta, ...rest } = params;
  if (isObject(_meta) && _meta["progressToken"] !== undefined) return null;
  if ("task" in rest || "inputResponses" in rest || "requestState" in rest) return null;
  const { principal, project } = session;
  const mark = world.ports.secretMark(upstream.unit);
  if (mark === null) return null;
  const source = [groupOf(upstream), mark];
  const key = JSON.stringify([...source, principal, project, request.method, rest], sortedKeys);
  return key.length > LIMITS.reuseKeyLength ? null : key;
}

/** An answer that is on its way may depend on what the upstream was told of the client. */
function flightOf(key: string, { session, channel }: Call): string {
  return `${session.era} ${JSON.stringify(capabilitiesOf(session, channel))} ${key}`;
}

function sortedKeys(_key: string, value: unknown): unknown {
  // A number that is kept as it is spelled is an object to us.
  if (!isObject(value) || isRawNumber(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function groupOf({ key, unit }: Upstream): string {
  return `${key} ${unit.hash}`;
}
