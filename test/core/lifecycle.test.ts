import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { fault } from "../../src/core/fault.ts";
import {
  hopeless,
  type InstanceEvent,
  type InstanceState,
  type LifecyclePolicy,
  step,
} from "../../src/core/lifecycle.ts";

const POLICY: LifecyclePolicy = {
  upstream: "files",
  reconnect: true,
  startTimeoutMs: 10_000,
  random01: 0,
};
const CRASH = fault("upstream.failed", "it crashed", "files");
const AWAY = fault("upstream.unreachable", "nobody listens", "files");
const BROKEN = fault("upstream.broken-answer", "it broke the handshake", "files");

/** Runs events one second apart and returns where they lead. */
function run(events: readonly InstanceEvent[], policy = POLICY): ReturnType<typeof step> {
  let result: ReturnType<typeof step> = { state: { kind: "idle" }, effects: [] };
  events.forEach((event, index) => {
    result = step(result.state, event, index * 1000, policy);
  });
  return result;
}

describe("lifecycle.step()", () => {
  test("spawns on the first demand only", () => {
    expect(run([{ kind: "demand" }]).effects).toEqual([
      { kind: "spawn" },
      { kind: "wake", atMs: 10_000 },
    ]);
    expect(run([{ kind: "demand" }, { kind: "demand" }]).effects).toEqual([]);
  });

  test("waits after a crash and spawns again when woken, not before", () => {
    const crashed = run([
      { kind: "demand" },
      { kind: "ready" },
      { kind: "exited", problem: CRASH },
    ]);
    const times = { sinceMs: 2000, untilMs: 2250 };
    expect(crashed.state).toEqual({ kind: "waiting", attempt: 1, ...times, problem: CRASH });
    expect(crashed.effects).toEqual([
      { kind: "report", problem: CRASH, retryInMs: 250 },
      { kind: "wake", atMs: 2250 },
    ]);
    expect(step(crashed.state, { kind: "wake" }, 2249, POLICY).effects).toEqual([]);
    expect(step(crashed.state, { kind: "wake" }, 2250, POLICY).effects[0]).toEqual({
      kind: "spawn",
    });
  });

  test("does not come back by itself from what only its client can mend, but for the next call", () => {
    const problem = fault("project.unknown");
    const lost = run([{ kind: "demand" }, { kind: "exited", problem }]);
    expect(lost.state).toEqual({ kind: "failed", problem });
    expect(lost.effects).toEqual([{ kind: "report", problem, retryInMs: null }]);
    expect(step(lost.state, { kind: "demand" }, 0, POLICY).effects[0]).toEqual({ kind: "spawn" });
  });

  test("asks a keychain that gave nothing for the next call only, and not for one at once", () => {
    const problem = fault("secret.locked");
    for (const reconnect of [true, false]) {
      const policy = { ...POLICY, reconnect };
      const locked = run([{ kind: "demand" }, { kind: "exited", problem }], policy);
      expect(locked.effects[0]).toEqual({ kind: "report", problem, retryInMs: null });
      expect(hopeless(locked.state)).toBe(problem);
      expect(step(locked.state, { kind: "demand" }, 0, policy).effects).toEqual([]);
      const later = step(locked.state, { kind: "wake" }, 60_000, policy);
      expect(later).toEqual({ state: { kind: "failed", problem }, effects: [] });
      const asked = step(later.state, { kind: "demand" }, 0, policy);
      expect(asked.effects[0]).toEqual({ kind: "spawn" });
    }
  });

  test("backs off further with every failure in a row", () => {
    let state: InstanceState = { kind: "idle" };
    let nowMs = 0;
    const delays: (number | null)[] = [];
    state = step(state, { kind: "demand" }, nowMs, POLICY).state;
    for (let round = 0; round < 9; round++) {
      const ended = step(state, { kind: "exited", problem: CRASH }, nowMs, POLICY);
      const report = ended.effects.find((effect) => effect.kind === "report");
      delays.push(report?.retryInMs ?? null);
      nowMs += report?.retryInMs ?? 0;
      state = step(ended.state, { kind: "wake" }, nowMs, POLICY).state;
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test("starts the back-off afresh after a minute of good work", () => {
    const ready: InstanceState = { kind: "ready", attempt: 7, sinceMs: 0 };
    const early = step(ready, { kind: "exited", problem: CRASH }, 59_999, POLICY);
    const late = step(ready, { kind: "exited", problem: CRASH }, 60_000, POLICY);
    expect(early.state).toMatchObject({ kind: "waiting", attempt: 8 });
    expect(late.state).toMatchObject({ kind: "waiting", attempt: 1, untilMs: 60_250 });
  });

  test("ends a start that takes too long and counts it as a failure", () => {
    const starting = run([{ kind: "demand" }]).state;
    expect(step(starting, { kind: "wake" }, 9999, POLICY).effects).toEqual([]);
    const late = step(starting, { kind: "wake" }, 10_000, POLICY);
    expect(late.effects).toEqual([{ kind: "terminate" }]);
    const ended = step(late.state, { kind: "exited", problem: CRASH }, 10_100, POLICY);
    expect(ended.state).toMatchObject({ kind: "waiting", attempt: 1, untilMs: 10_350 });
    expect(ended.effects[0]).toMatchObject({ problem: { code: "upstream.start-timeout" } });
  });

  test("a refused handshake ends the process and reports why", () => {
    const refused = run([{ kind: "demand" }, { kind: "refused", problem: BROKEN }]);
    expect(refused.effects).toEqual([{ kind: "terminate" }]);
    const ended = step(refused.state, { kind: "exited", problem: CRASH }, 5000, POLICY);
    expect(ended.effects[0]).toEqual({ kind: "report", problem: BROKEN, retryInMs: 250 });
  });

  test("stays down after a crash when reconnecting is off, until somebody asks", () => {
    const policy = { ...POLICY, reconnect: false };
    const events: InstanceEvent[] = [{ kind: "demand" }, { kind: "exited", problem: CRASH }];
    const failed = run(events, policy);
    expect(failed.state).toEqual({ kind: "failed", problem: CRASH });
    expect(failed.effects).toEqual([{ kind: "report", problem: CRASH, retryInMs: null }]);
    expect(run([...events, { kind: "wake" }], policy).effects).toEqual([]);
    expect(run([...events, { kind: "demand" }], policy).effects[0]).toEqual({ kind: "spawn" });
  });

  test("a stop wins over a restart and over demands that come meanwhile", () => {
    const meanwhile: readonly InstanceEvent["kind"][] = ["demand", "retry", "rest"];
    for (const kind of meanwhile) {
      const stopped = run([
        { kind: "demand" },
        { kind: "refused", problem: BROKEN },
        { kind: "stop" },
      ]);
      const asked = step(stopped.state, { kind } as InstanceEvent, 4000, POLICY);
      const ended = step(asked.state, { kind: "exited", problem: CRASH }, 5000, POLICY);
      expect(ended.state).toEqual({ kind: "idle" });
      expect(ended.effects).toEqual([{ kind: "report", problem: BROKEN, retryInMs: null }]);
    }
  });

  test("a demand while an unused process ends brings a new one at once", () => {
    const resting = run([
      { kind: "demand" },
      { kind: "ready" },
      { kind: "rest" },
      { kind: "demand" },
    ]);
    const ended = step(resting.state, { kind: "exited", problem: CRASH }, 5000, POLICY);
    expect(ended.state.kind).toBe("starting");
    expect(ended.effects.slice(0, 2)).toEqual([
      { kind: "report", problem: CRASH, retryInMs: 0 },
      { kind: "spawn" },
    ]);
  });

  test("whoever needs what was out of reach ends a long wait, at most once a second", () => {
    const wait = { kind: "waiting", attempt: 8, sinceMs: 1000, untilMs: 31_000 } as const;
    for (const [nowMs, atMs] of [
      [1200, 2000],
      [9000, 9000],
    ] as const) {
      const hurried = step({ ...wait, problem: AWAY }, { kind: "hurry" }, nowMs, POLICY);
      expect(hurried.effects).toEqual([{ kind: "wake", atMs }]);
      const woken = step(hurried.state, { kind: "wake" }, atMs, POLICY);
      expect(woken.state).toMatchObject({ kind: "starting", attempt: 8 });
      expect(step(hurried.state, { kind: "hurry" }, nowMs, POLICY).effects).toEqual([]);
    }
    const crashed = step({ ...wait, problem: CRASH }, { kind: "hurry" }, 9000, POLICY);
    expect(crashed.effects).toEqual([]);
  });

  test("a retry skips the back-off", () => {
    const waiting = run([{ kind: "demand" }, { kind: "exited", problem: CRASH }]);
    const retried = step(waiting.state, { kind: "retry" }, 1001, POLICY);
    expect(retried.state).toMatchObject({ kind: "starting", attempt: 0 });
    expect(retried.effects[0]).toEqual({ kind: "spawn" });
  });
});

test("hopeless() says at once that the command is not installed", () => {
  const missing = fault("upstream.not-found", "no npx", "files");
  expect(hopeless(run([{ kind: "demand" }, { kind: "exited", problem: missing }]).state)).toBe(
    missing,
  );
  expect(hopeless(run([{ kind: "demand" }, { kind: "exited", problem: CRASH }]).state)).toBeNull();
});

/** A world that does what the effects say, and does it late, early or not at all. */
class World {
  state: InstanceState = { kind: "idle" };
  live = 0;
  spawns = 0;
  reports = 0;
  stopped = false;
  nowMs = 0;

  handle(event: InstanceEvent, reconnect: boolean): void {
    if (event.kind === "exited") {
      if (this.live === 0) return;
      this.live -= 1;
    }
    if (event.kind === "stop") this.stopped = true;
    if (event.kind === "demand" && this.live === 0) this.stopped = false;
    const { state, effects } = step(this.state, event, this.nowMs, { ...POLICY, reconnect });
    this.state = state;
    for (const effect of effects) {
      if (effect.kind === "spawn") {
        expect(this.stopped).toBe(false);
        this.live += 1;
        this.spawns += 1;
      }
      if (effect.kind === "terminate") expect(this.live).toBe(1);
      if (effect.kind === "report") this.reports += 1;
    }
    expect(this.live).toBeLessThanOrEqual(1);
    expect(this.live === 1).toBe(["starting", "ready", "stopping"].includes(state.kind));
    expect(this.reports + this.live).toBe(this.spawns);
  }
}

const anyEvent: fc.Arbitrary<InstanceEvent> = fc.oneof(
  fc.constantFrom<InstanceEvent>(
    { kind: "demand" },
    { kind: "hurry" },
    { kind: "ready" },
    { kind: "wake" },
    { kind: "stop" },
    { kind: "rest" },
    { kind: "retry" },
    { kind: "refused", problem: BROKEN },
  ),
  fc.constantFrom<InstanceEvent>(
    { kind: "exited", problem: CRASH },
    { kind: "exited", problem: AWAY },
  ),
);

test("there is one process at most, none after a stop, and one report for each", () => {
  const script = fc.array(fc.tuple(anyEvent, fc.nat(40_000)), { maxLength: 120 });
  fc.assert(
    fc.property(script, fc.boolean(), (events, reconnect) => {
      const world = new World();
      for (const [event, passedMs] of events) {
        world.nowMs += passedMs;
        world.handle(event, reconnect);
      }
      world.handle({ kind: "stop" }, reconnect);
      world.handle({ kind: "exited", problem: CRASH }, reconnect);
      expect(world.state).toEqual({ kind: "idle" });
      expect(world.live).toBe(0);
    }),
    { numRuns: 3000 },
  );
});
