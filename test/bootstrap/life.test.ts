import { describe, expect, test } from "bun:test";

import fc from "fast-check";

import { Life } from "../../src/bootstrap/life.ts";

const MINUTE_MS = 60_000;

/** A life whose server has ended unasked so many times; `delays` are the pauses. */
function crashed(times: number): { readonly life: Life; readonly delays: readonly number[] } {
  const life = new Life();
  life.want(true);
  const delays: number[] = [];
  for (let time = 0; time < times; time++) {
    if (time > 0) life.resume();
    for (const effect of life.ended(0, 0)) if (effect.kind === "pause") delays.push(effect.delayMs);
  }
  return { life, delays };
}

describe("Life", () => {
  test("starts a server that is wanted, once", () => {
    const life = new Life();
    expect(life.want(true)).toEqual([{ kind: "start" }]);
    expect(life.want(true)).toEqual([]);
    life.ready(1);
    expect(life.state).toBe("ready");
    expect(life.want(true)).toEqual([]);
  });

  test("starts again after pauses that double up to thirty seconds, for ever", () => {
    expect(crashed(10).delays).toEqual([
      250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  test("pauses for a short time again after the server was ready for a minute", () => {
    const { life } = crashed(6);
    life.resume();
    life.ready(0);
    expect(life.ended(MINUTE_MS - 1, 0)).toEqual([{ kind: "pause", delayMs: 16_000 }]);
    life.resume();
    life.ready(0);
    expect(life.ended(MINUTE_MS, 0)).toEqual([{ kind: "pause", delayMs: 250 }]);
  });

  test("calls three ends in a row a loop, until the server has run for a minute", () => {
    expect(crashed(2).life.crashes(0)).toBe(0);
    const { life } = crashed(3);
    expect(life.crashes(0)).toBe(3);
    life.resume();
    life.ready(0);
    expect(life.crashes(MINUTE_MS - 1)).toBe(3);
    expect(life.crashes(MINUTE_MS)).toBe(0);
    life.want(false);
    life.ended(0, 0);
    expect(life.crashes(0)).toBe(0);
  });

  test("stops in order, and starts again when it is wanted meanwhile", () => {
    const life = new Life();
    life.want(true);
    life.ready(0);
    expect(life.want(false)).toEqual([{ kind: "stop" }]);
    expect(life.want(true)).toEqual([]);
    expect(life.ended(1, 0)).toEqual([{ kind: "start" }]);
    life.want(false);
    expect(life.ended(1, 0)).toEqual([]);
    expect(life.state).toBe("disabled");
  });

  test("does not wait for the pause of a server that is unwanted, or restarted", () => {
    const one = crashed(1).life;
    expect(one.want(false)).toEqual([{ kind: "unpause" }]);
    expect(one.resume()).toEqual([]);
    const other = crashed(1).life;
    expect(other.restart()).toEqual([{ kind: "unpause" }, { kind: "start" }]);
  });

  test("restarts by a stop and a start, without a pause and without counting it", () => {
    const life = new Life();
    expect(life.restart()).toEqual([]);
    life.want(true);
    life.ready(0);
    expect(life.restart()).toEqual([{ kind: "stop" }]);
    expect(life.ended(1, 0)).toEqual([{ kind: "start" }]);
    expect(life.restarts).toBe(0);
  });

  test("never has two servers, and never forgets one, whatever happens in whatever order", () => {
    const event = fc.constantFrom("on", "off", "restart", "ready", "ended", "resume");
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const life = new Life();
        let alive = 0;
        let paused = false;
        let wanted = false;
        for (const kind of events) {
          // What did not start cannot end, nor a pause that is not.
          if ((kind === "ended" || kind === "ready") && alive === 0) continue;
          if (kind === "resume" && !paused) continue;
          if (kind === "on" || kind === "off") wanted = kind === "on";
          if (kind === "ended") alive--;
          if (kind === "resume") paused = false;
          for (const effect of happen(life, kind)) {
            if (effect.kind === "start") alive++;
            if (effect.kind === "pause" || effect.kind === "unpause") {
              paused = effect.kind === "pause";
            }
          }
          const { state } = life;
          expect(alive).toBe(["starting", "ready", "stopping"].includes(state) ? 1 : 0);
          expect(paused).toBe(state === "waiting");
          if (wanted) expect(state).not.toBe("disabled");
          else expect(["disabled", "stopping"]).toContain(state);
        }
      }),
    );
  });
});

function happen(life: Life, kind: string): ReturnType<Life["want"]> {
  if (kind === "on" || kind === "off") return life.want(kind === "on");
  if (kind === "restart") return life.restart();
  if (kind === "ended") return life.ended(0, 0);
  if (kind === "resume") return life.resume();
  life.ready(0);
  return [];
}
