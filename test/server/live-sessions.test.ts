import { expect, test } from "bun:test";

import { Session } from "../../src/core/session.ts";
import type { LiveDesk } from "../../src/server/desk.ts";
import { LiveSession } from "../../src/server/live-session.ts";
import { LiveSessions } from "../../src/server/live-sessions.ts";

/** Sessions, and how often one was asked whether it is idle. */
class Scene {
  readonly sessions = new LiveSessions();
  looks = 0;

  enter(...ids: readonly string[]): void {
    for (const id of ids) this.sessions.enter(this.#newSession(id));
  }

  session(id: string): LiveSession {
    const found = this.sessions.get(id);
    if (found === undefined) throw new Error(`no session ${id}`);
    return found;
  }

  listen(id: string): () => void {
    const channel = { streams: true, mustAnswer: false, write: () => undefined };
    return this.session(id).listen(channel);
  }

  #newSession(id: string): LiveSession {
    const use = (live: LiveSession): void => this.sessions.use(live);
    const desk: Pick<LiveDesk, "now" | "use"> = { now: () => 0, use };
    const view = { kind: "all" } as const;
    const session = new Session({ id, view, principal: "key", project: null });
    const count = (): void => void (this.looks += 1);
    return new (class extends LiveSession {
      override get idle(): boolean {
        count();
        return super.idle;
      }
    })(session, desk as LiveDesk);
  }
}

test("the idle one that was used longest ago makes room", () => {
  const scene = new Scene();
  scene.enter("a", "b", "c");
  scene.sessions.use(scene.session("a"));
  expect(scene.sessions.restful()?.id).toBe("b");
  const unlisten = scene.listen("b");
  expect(scene.sessions.restful()?.id).toBe("c");
  scene.listen("c");
  unlisten();
  expect(scene.sessions.restful()?.id).toBe("a");
});

test("none makes room when all are busy, and one that has left does not come back by its id", () => {
  const scene = new Scene();
  scene.enter("a", "b");
  const gone = scene.session("a");
  expect(scene.sessions.leave(gone)).toBe(true);
  expect(scene.sessions.leave(gone)).toBe(false);
  scene.sessions.use(gone);
  expect(scene.sessions.size).toBe(1);
  scene.enter("a");
  scene.sessions.use(gone);
  expect(scene.session("a")).not.toBe(gone);
  scene.listen("a");
  scene.listen("b");
  expect(scene.sessions.restful()).toBeUndefined();
});

test("making room again and again does not look at all sessions each time", () => {
  const scene = new Scene();
  const ids = Array.from({ length: 1_000 }, (_, index) => String(index));
  scene.enter(...ids);
  for (const id of ids.slice(0, 500)) scene.listen(id);
  for (let next = 0; next < 100; next++) {
    const rested = scene.sessions.restful();
    if (rested === undefined) throw new Error("nobody makes room");
    scene.sessions.leave(rested);
    scene.enter(`new ${next}`);
  }
  expect(scene.looks).toBeLessThan(1_000);
});
