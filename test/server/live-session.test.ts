import { expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import { Session } from "../../src/core/session.ts";
import type { LiveDesk } from "../../src/server/desk.ts";
import { LiveSession } from "../../src/server/live-session.ts";

function newSession(now = (): number => 0): LiveSession {
  const use = (live: LiveSession): void => live.seen(now());
  const desk: Pick<LiveDesk, "now" | "use"> = { now, use };
  const about = { id: "s", view: { kind: "all" }, principal: "key", project: null } as const;
  return new LiveSession(new Session(about), desk as LiveDesk);
}

/** What a new listener is told of what came before it. */
function caughtUp(session: LiveSession): readonly string[] {
  const heard: string[] = [];
  session.listen({ streams: true, mustAnswer: false, write: (text) => void heard.push(text) });
  return heard;
}

test("push() keeps what matters for a client that does not listen yet, each text once", () => {
  const session = newSession();
  session.push("tools changed", true);
  session.push("log line", false);
  session.push("tools changed", true);
  session.push("prompts changed", true);
  expect(caughtUp(session)).toEqual(["tools changed", "prompts changed"]);
  expect(caughtUp(session)).toEqual([]);
});

test("push() drops the oldest past the limit", () => {
  const session = newSession();
  for (let number = 0; number <= LIMITS.backlogPerSession; number++) {
    session.push(String(number), true);
  }
  const heard = caughtUp(session);
  expect(heard).toHaveLength(LIMITS.backlogPerSession);
  expect(heard[0]).toBe("1");
});

test("a session is in use as long as its client listens", () => {
  let nowMs = 0;
  const session = newSession(() => nowMs);
  const unlisten = session.listen({ streams: true, mustAnswer: false, write: () => undefined });
  nowMs = 1_000;
  expect(session.seenMs).toBe(1_000);
  unlisten();
  nowMs = 2_000;
  expect(session.seenMs).toBe(1_000);
});
