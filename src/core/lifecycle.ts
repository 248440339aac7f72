import { BACKOFF, backoffDelay } from "./backoff.ts";
import { type Fault, fault } from "./fault.ts";
import { LIMITS } from "./limits.ts";

/**
 * What becomes of a unit once its process is gone: "end" and "idle" stay down ("end" whatever is
 * asked meanwhile, "idle" unless somebody asks), "start" begins at once, "retry" backs off.
 */
type Next = "end" | "idle" | "start" | "retry";

/** State of one instance. Times are monotonic milliseconds. */
export type InstanceState =
  | { readonly kind: "idle" }
  | {
      readonly kind: "starting";
      /** Failed starts and crashes in a row before this one. */
      readonly attempt: number;
      /** When it must be ready. */
      readonly deadlineMs: number;
    }
  | { readonly kind: "ready"; readonly attempt: number; readonly sinceMs: number }
  /** No process; it starts again by itself, or for who asks then. */
  | {
      readonly kind: "waiting";
      readonly attempt: number;
      readonly sinceMs: number;
      readonly untilMs: number;
      readonly problem: Fault;
    }
  | {
      readonly kind: "stopping";
      readonly attempt: number;
      readonly next: Next;
      /** Why it is being ended; null when nothing is wrong. */
      readonly problem: Fault | null;
    }
  /** No process; only a demand or a retry starts it. */
  | { readonly kind: "failed"; readonly problem: Fault };

export type InstanceEvent =
  /** Somebody needs it. */
  | { readonly kind: "demand" }
  /** Somebody needs it for more than its lists. */
  | { readonly kind: "hurry" }
  /** The MCP handshake is done. */
  | { readonly kind: "ready" }
  /** The process and its whole group are gone, or it could not be spawned. */
  | { readonly kind: "exited"; readonly problem: Fault }
  /** It lives but is of no use: the handshake failed, or it closed its output. */
  | { readonly kind: "refused"; readonly problem: Fault }
  | { readonly kind: "wake" }
  /** Down, and down it stays until the process is gone and somebody asks again. */
  | { readonly kind: "stop" }
  /** Nobody has used it for a while: down, unless somebody asks. */
  | { readonly kind: "rest" }
  /** Do not wait any longer: the user has changed something. */
  | { readonly kind: "retry" };

export type InstanceEffect =
  | { readonly kind: "spawn" }
  | { readonly kind: "terminate" }
  /** Send "wake" at this time, in place of any wake before; a stale one does no harm. */
  | { readonly kind: "wake"; readonly atMs: number }
  /** One process, or one attempt at it, is over; `retryInMs` is null when no other follows. */
  | { readonly kind: "report"; readonly problem: Fault; readonly retryInMs: number | null };

export type LifecyclePolicy = {
  /** The upstream, for texts. */
  readonly upstream: string;
  /** Start again after a crash. */
  readonly reconnect: boolean;
  readonly startTimeoutMs: number;
  /** A fresh random number from 0 to below 1 for this step. */
  readonly random01: number;
};

export type Step = { readonly state: InstanceState; readonly effects: readonly InstanceEffect[] };

/**
 * The whole life of an instance. There is a process exactly in "starting", "ready" and "stopping",
 * and "exited" is the only way out of those, so no two can live at once.
 */
export function step(
  state: InstanceState,
  event: InstanceEvent,
  nowMs: number,
  policy: LifecyclePolicy,
): Step {
  switch (event.kind) {
    case "demand":
      return onDemand(state, nowMs, policy);
    case "hurry":
      return onHurry(state, nowMs);
    case "ready":
      if (state.kind !== "starting") return same(state);
      return same({ kind: "ready", attempt: state.attempt, sinceMs: nowMs });
    case "exited":
      return onExited(state, event.problem, nowMs, policy);
    case "refused":
      return alive(state)
        ? terminate(attemptOf(state, nowMs), "retry", event.problem)
        : same(state);
    case "wake":
      return onWake(state, nowMs, policy);
    case "stop":
      if (state.kind === "stopping") return same({ ...state, next: "end" });
      return alive(state) ? terminate(0, "end", null) : same({ kind: "idle" });
    case "rest":
      return state.kind === "ready" ? terminate(0, "idle", null) : same(state);
    case "retry":
      if (state.kind === "waiting" || state.kind === "failed") return start(0, nowMs, policy);
      if (state.kind === "stopping" && state.next === "retry")
        return same({ ...state, next: "start" });
      return same(state);
  }
}

/**
 * Why a demand is hopeless for now: while the command is not installed, waiting out the back-off
 * would only hide that from whoever asks. Null when waiting makes sense.
 */
export function hopeless(state: InstanceState): Fault | null {
  if (state.kind !== "waiting") return null;
  return HOPELESS.has(state.problem.code) ? state.problem : null;
}

const HOPELESS: ReadonlySet<string> = new Set([
  "secret.locked",
  "secret.missing",
  "upstream.no-directory",
  "upstream.not-found",
]);

function onDemand(state: InstanceState, nowMs: number, policy: LifecyclePolicy): Step {
  if (state.kind === "idle" || state.kind === "failed") return start(0, nowMs, policy);
  if (state.kind === "stopping" && state.next === "idle") return same({ ...state, next: "start" });
  return same(state);
}

/** Who was out of reach may be back at any moment, and to try costs little. */
function onHurry(state: InstanceState, nowMs: number): Step {
  if (state.kind !== "waiting" || state.problem.code !== "upstream.unreachable") return same(state);
  const soonMs = Math.max(nowMs, state.sinceMs + LIMITS.restartWaitMs);
  if (state.untilMs <= soonMs) return same(state);
  return { state: { ...state, untilMs: soonMs }, effects: [{ kind: "wake", atMs: soonMs }] };
}

function onWake(state: InstanceState, nowMs: number, policy: LifecyclePolicy): Step {
  if (state.kind === "waiting" && nowMs >= state.untilMs) {
    const { problem } = state;
    // Its user may be asked with every start: only who needs it is worth a question.
    if (problem.code === "secret.locked") return same({ kind: "failed", problem });
    return start(state.attempt, nowMs, policy);
  }
  if (state.kind === "starting" && nowMs >= state.deadlineMs) {
    const seconds = policy.startTimeoutMs / 1000;
    const text = `Upstream "${policy.upstream}" did not start: it was not ready after ${seconds} s`;
    const problem = fault("upstream.start-timeout", text, policy.upstream);
    return terminate(state.attempt + 1, "retry", problem);
  }
  return same(state);
}

function onExited(state: InstanceState, exit: Fault, nowMs: number, policy: LifecyclePolicy): Step {
  if (state.kind === "starting" || state.kind === "ready") {
    return comeBack(attemptOf(state, nowMs), exit, nowMs, policy);
  }
  if (state.kind !== "stopping") return same(state);
  const problem = state.problem ?? exit;
  if (state.next === "retry") return comeBack(state.attempt, problem, nowMs, policy);
  if (state.next !== "start") {
    return { state: { kind: "idle" }, effects: [{ kind: "report", problem, retryInMs: null }] };
  }
  const next = start(0, nowMs, policy);
  return { ...next, effects: [{ kind: "report", problem, retryInMs: 0 }, ...next.effects] };
}

function start(attempt: number, nowMs: number, policy: LifecyclePolicy): Step {
  const deadlineMs = nowMs + policy.startTimeoutMs;
  return {
    state: { kind: "starting", attempt, deadlineMs },
    effects: [{ kind: "spawn" }, { kind: "wake", atMs: deadlineMs }],
  };
}

function terminate(attempt: number, next: Next, problem: Fault | null): Step {
  return { state: { kind: "stopping", attempt, next, problem }, effects: [{ kind: "terminate" }] };
}

/** After a failure: again after the back-off, or never by itself. `attempt` is the next one's. */
function comeBack(attempt: number, problem: Fault, nowMs: number, policy: LifecyclePolicy): Step {
  const locked = problem.code === "secret.locked";
  // What a client did wrong is not mended by another start, but by what a client does next.
  if (!locked && (!policy.reconnect || problem.code === "project.unknown")) {
    const effects: readonly InstanceEffect[] = [{ kind: "report", problem, retryInMs: null }];
    return { state: { kind: "failed", problem }, effects };
  }
  const delayMs = locked ? LIMITS.lockedMs : backoffDelay(attempt - 1, policy.random01);
  const untilMs = nowMs + delayMs;
  return {
    state: { kind: "waiting", attempt, sinceMs: nowMs, untilMs, problem },
    effects: [
      { kind: "report", problem, retryInMs: locked ? null : delayMs },
      { kind: "wake", atMs: untilMs },
    ],
  };
}

type Alive = Extract<InstanceState, { kind: "starting" | "ready" }>;

function alive(state: InstanceState): state is Alive {
  return state.kind === "starting" || state.kind === "ready";
}

/** The number of the next attempt: a long good time wipes the past out. */
function attemptOf(state: Alive, nowMs: number): number {
  const stable = state.kind === "ready" && nowMs - state.sinceMs >= BACKOFF.stableMs;
  return stable ? 1 : state.attempt + 1;
}

function same(state: InstanceState): Step {
  return { state, effects: [] };
}
