import { expect, test } from "bun:test";

import { Questions } from "../../src/cli/questions.ts";
import { Spinner } from "../../src/cli/spinner.ts";
import { HandClock } from "../helpers/hand-clock.ts";

const OPTIONS = { json: true, quiet: true, color: false, config: undefined };

test("a call that has ended takes no answer", async () => {
  const questions = Questions.of({ upstream: "shop", tool: "order" }, ["decline"], OPTIONS);
  const answer = questions?.answeredBy(new Spinner("", "silent", new HandClock()));
  const asked = { message: "Sure?" };
  expect(await answer?.(asked, AbortSignal.abort())).toEqual({ action: "cancel" });
  expect(await answer?.(asked, new AbortController().signal)).toEqual({ action: "decline" });
});
