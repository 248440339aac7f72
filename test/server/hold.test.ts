import { expect, test } from "bun:test";

import { LIMITS } from "../../src/core/limits.ts";
import type { Message } from "../../src/core/message.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Hold } from "../../src/server/hold.ts";
import { waitFor } from "../helpers/wait.ts";

test("a Hold passes on in order what waited, and answers what is too much at once", async () => {
  const hold = new Hold();
  await hold.begin(() => Promise.resolve(false), systemClock);
  expect(hold.on).toBe(false);
  let judged = false;
  await hold.begin(() => Promise.resolve(!judged), { ...systemClock, sleep: () => Bun.sleep(1) });
  expect(hold.on).toBe(true);

  const answers: string[] = [];
  const passed: number[] = [];
  const channel = {
    streams: false,
    mustAnswer: true,
    write: (text: string): void => void answers.push(text),
  };
  for (let id = 0; id < LIMITS.waitingForTrial + 1; id++) {
    const message: Message = { kind: "request", id, method: "ping", params: undefined };
    hold.take(message, channel, () => void passed.push(id));
  }
  expect(answers).toEqual([expect.stringContaining("this version is being tried out")]);
  expect(passed).toEqual([]);
  judged = true;
  await waitFor("the end", () => !hold.on);
  expect(passed).toEqual(Array.from({ length: LIMITS.waitingForTrial }, (_, id) => id));
});
