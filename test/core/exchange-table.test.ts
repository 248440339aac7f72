import { describe, expect, test } from "bun:test";

import { Turn } from "../../src/core/effect.ts";
import { ExchangeTable } from "../../src/core/exchange-table.ts";
import { Exchange } from "../../src/core/exchange.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { resultResponse } from "../../src/core/message.ts";
import { Session } from "../../src/core/session.ts";

const TIMEOUT_MS = 1_000;

class Scene {
  readonly table = new ExchangeTable();
  readonly client = new Session({
    id: "s",
    view: { kind: "all" },
    principal: "key",
    project: null,
  });

  request(method = "tools/call"): Exchange {
    const { client: session } = this;
    return new Exchange({ method, params: {}, session, settle: () => undefined });
  }

  enter(method?: string): Exchange {
    const exchange = this.request(method);
    this.table.enter(exchange, 0, TIMEOUT_MS);
    return exchange;
  }

  answer(id: number): void {
    this.table.take(new Turn(0), resultResponse(id, {}));
  }

  /** What is kept, and what counting would give. */
  get share(): readonly [number, number] {
    return [this.table.shareOf(this.client), this.table.calls().length];
  }
}

describe("the share of a client", () => {
  test("is what it has in flight, without requests about tasks", () => {
    const scene = new Scene();
    for (const method of ["tools/call", "tasks/get", "resources/read"]) scene.enter(method);
    expect(scene.share).toEqual([2, 2]);
    for (const id of [1, 2, 3]) scene.answer(id);
    expect(scene.share).toEqual([0, 0]);
  });

  test("has what it gave up in it until that is answered, or taken to have ended", () => {
    const scene = new Scene();
    for (let id = 1; id <= 3; id++) {
      scene.table.withdraw(new Turn(0), scene.enter(), "given up");
    }
    expect(scene.share).toEqual([3, 3]);
    scene.answer(1);
    scene.answer(1);
    expect(scene.share).toEqual([2, 2]);
    scene.table.expireGhosts(new Turn(LIMITS.ghostMs));
    expect(scene.share).toEqual([0, 0]);
  });

  test("does not change with a stand-in, and ends with the instance", () => {
    const scene = new Scene();
    const [moved] = [scene.enter(), scene.enter()];
    scene.table.swap(moved, scene.request());
    expect(scene.share).toEqual([2, 2]);
    scene.table.clear(new Turn(0));
    expect(scene.share).toEqual([0, 0]);
  });
});
