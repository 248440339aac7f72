import { expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { applySteps, lookOnly, type Step, unlessInterrupted } from "../../src/install/steps.ts";

/** Steps that write down what is done to them. */
function steps(log: string[], names: readonly string[]): readonly Step[] {
  return names.map((name) => ({
    title: name,
    apply() {
      log.push(name);
      if (name === "fails") return fault("internal", "it failed");
      if (name === "throws") throw Object.assign(new Error("x"), { code: "EACCES" });
      if (name === "looks only") return null;
      return () => {
        log.push(`undo ${name}`);
        if (name === "sticks") throw new Error("it sticks");
      };
    },
  }));
}

test("what was done is taken back, last first, and what cannot be is named", async () => {
  const log: string[] = [];
  const heard: string[] = [];
  const outcome = await applySteps(
    steps(log, ["a", "looks only", "sticks", "b", "fails", "never"]),
    ({ kind, step }) => heard.push(`${kind} ${step}`),
  );
  expect(log).toEqual([
    "a",
    "looks only",
    "sticks",
    "b",
    "fails",
    "undo b",
    "undo sticks",
    "undo a",
  ]);
  expect(outcome).toEqual({
    kind: "failed",
    step: "fails",
    fault: fault("internal", "it failed"),
    undone: ["b", "a"],
    stuck: [{ step: "sticks", why: "it sticks" }],
  });
  expect(heard.slice(-4)).toEqual(["failed fails", "undone b", "stuck sticks", "undone a"]);
});

test("an error of the system is a fault in words", async () => {
  expect(await applySteps(steps([], ["throws"]))).toMatchObject({
    kind: "failed",
    fault: { code: "file.failed", text: "Cannot throws: permission denied" },
  });
});

test("an interrupt takes back what was done, between two steps and within one that waits", async () => {
  const log: string[] = [];
  const interrupt = new AbortController();
  const [a, b, c] = steps(log, ["a", "b", "c"]);
  if (a === undefined || b === undefined || c === undefined) throw new Error("there are three");
  const pressed: Step = { ...b, apply: (signal) => (interrupt.abort(), b.apply(signal)) };
  const between = await applySteps([a, pressed, c], undefined, interrupt.signal);
  expect(log).toEqual(["a", "b", "undo b", "undo a"]);
  expect(between).toMatchObject({ step: "c", fault: { code: "exchange.cancelled" } });

  const never = new Promise<null>(() => undefined);
  const waiting: readonly Step[] = [
    { title: "waits", apply: (signal) => unlessInterrupted(never, signal) },
    { title: "waits", looks: true, apply: () => never },
  ];
  for (const waits of waiting) {
    const second = new AbortController();
    const outcome = applySteps([a, waits], undefined, second.signal);
    setImmediate(() => second.abort());
    expect(await outcome).toMatchObject({ step: "waits", fault: { code: "exchange.cancelled" } });
  }
});

test("looking stops at the first that finds something, and does nothing else", async () => {
  const log: string[] = [];
  const [look, fails] = steps(log, ["looks only", "fails"]).map((step) => ({
    ...step,
    looks: true as const,
  }));
  const [change] = steps(log, ["change"]);
  if (look === undefined || fails === undefined || change === undefined) throw new Error("none");
  expect(await lookOnly([look, change])).toBeNull();
  expect(await lookOnly([look, change, fails, look])).toMatchObject({ code: "internal" });
  expect(log).toEqual(["looks only", "looks only", "fails"]);
});
