import { describe, expect, test } from "bun:test";

import { type Clock, systemClock } from "../../src/lib/clock.ts";
import { Rest } from "../../src/server/rest.ts";

/** A process whose work is told it, look by look, and what it gives back then. */
class Worker {
  readonly given: string[] = [];
  readonly rest: Rest;
  #usedMs = 0;
  #look = (): void => undefined;

  constructor() {
    const clock: Clock = {
      ...systemClock,
      every: (_periodMs, action) => {
        this.#look = action;
        return { cancel: () => (this.#look = () => undefined) };
      },
    };
    this.rest = new Rest(clock, {
      usedMs: () => this.#usedMs,
      sweep: () => void this.given.push("swept"),
      shrink: () => void this.given.push("shrunk"),
    });
  }

  /** What was given back at looks between which it worked so long. */
  works(...looksMs: readonly number[]): readonly string[] {
    this.given.length = 0;
    for (const workMs of looksMs) {
      this.#usedMs += workMs;
      this.#look();
    }
    return [...this.given];
  }
}

describe("what work has left is given back", () => {
  test("in the first quiet while after it, once", () => {
    const worker = new Worker();
    expect(worker.works(3_000, 2_000)).toEqual([]);
    expect(worker.works(5)).toEqual(["shrunk"]);
    expect(worker.works(5, 5)).toEqual([]);
  });

  test("while it goes on gently, as far as it is dead", () => {
    const worker = new Worker();
    expect(worker.works(200, 400)).toEqual(["swept", "swept"]);
    expect(worker.works(600)).toEqual([]);
  });

  test("once it rests after that, all of it", () => {
    const worker = new Worker();
    expect(worker.works(200, 5, 5)).toEqual(["swept", "shrunk"]);
  });

  test("not after a few calls, however often there is a pause", () => {
    const worker = new Worker();
    expect(worker.works(40, 0, 40, 0)).toEqual([]);
    expect(worker.works(40)).toEqual(["swept"]);
    worker.rest.close();
    expect(worker.works(2_000, 0)).toEqual([]);
  });
});
