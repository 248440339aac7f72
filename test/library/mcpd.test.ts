import { expect, test } from "bun:test";

import type { ControlContext } from "../../src/control/host.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { connect, daemonIsRunning, type Mcpd, McpdError, textOf } from "../../src/library/mcpd.ts";
import { reach } from "../../src/library/reach.ts";
import { Bench } from "../cli/bench.ts";

async function connected(bench: Bench): Promise<Mcpd> {
  return await connect({ environment: bench.environment, mode: "daemon", project: "/project" });
}

/** What a promise was rejected with. */
async function refusal(promise: Promise<unknown>): Promise<McpdError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(McpdError);
  return error as McpdError;
}

test("callTool() takes UPSTREAM/TOOL, and an error has code, text and hint", async () => {
  using bench = new Bench();
  bench.serve();
  await using mcpd = await connected(bench);
  expect(mcpd.mode).toBe("daemon");
  const result = await mcpd.callTool("files/read", { path: "/x" }, { timeoutMs: 500 });
  expect(JSON.parse(textOf(result))).toEqual({
    upstream: "files",
    tool: "read",
    arguments: { path: "/x" },
    timeoutMs: 500,
    project: "/project",
  });
  expect(await refusal(mcpd.callTool("missing"))).toMatchObject({
    code: "tool.unknown",
    message: 'There is no tool "missing"',
    hint: "List the tools with 'mcpd tools'.",
  });
});

test("progress comes to who asked, and aborting cancels at the daemon", async () => {
  using bench = new Bench();
  const cancelled = Promise.withResolvers<void>();
  bench.serve({
    "mcpd/call": (_: unknown, { signal, progress }: ControlContext) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      progress({ progress: 1, total: 2, message: "half" });
      return new Promise(() => undefined);
    },
  });
  await using mcpd = await connected(bench);
  const abort = new AbortController();
  const seen: object[] = [];
  const onProgress = (progress: object): void => {
    seen.push(progress);
    abort.abort();
  };
  const call = mcpd.callTool("slow", {}, { signal: abort.signal, onProgress });
  expect((await refusal(call)).code).toBe("exchange.cancelled");
  await cancelled.promise;
  expect(seen).toEqual([{ progress: 1, total: 2, message: "half" }]);
});

test("a connection that broke is made anew by the next request", async () => {
  using bench = new Bench();
  bench.serve();
  await using mcpd = await connected(bench);
  expect(await mcpd.listTools()).toHaveLength(2);
  bench.vanish();
  bench.serve();
  const lists = await Promise.all([mcpd.listTools(), mcpd.listTools({ search: "file" })]);
  expect(lists).toHaveLength(2);
});

test("what only reads is asked again when the daemon goes away, a call is not", async () => {
  using bench = new Bench();
  const asked = Promise.withResolvers<void>();
  let waiting = 0;
  const never = (): Promise<never> => {
    if (++waiting === 2) asked.resolve();
    return new Promise(() => undefined);
  };
  bench.serve({ "mcpd/call": never, "mcpd/read": never });
  await using mcpd = await connected(bench);
  const call = refusal(mcpd.callTool("write"));
  const read = mcpd.readResource("file:///x");
  await asked.promise;
  bench.vanish();
  bench.serve();
  expect((await call).code).toBe("daemon.lost");
  expect((await read).contents).toEqual([{ uri: "file:///x", text: "file:///x" }]);
  expect(bench.asked.filter((line) => line.includes("mcpd/call"))).toHaveLength(1);
});

test("a daemon that is not there yet is waited for as often as wanted", async () => {
  using bench = new Bench();
  const pauses: number[] = [];
  const clock = {
    ...systemClock,
    sleep: (delayMs: number): Promise<void> => {
      pauses.push(delayMs);
      if (pauses.length === 2) bench.serve();
      return Promise.resolve();
    },
  };
  const { environment } = bench;
  const options = { environment, mode: "daemon" } as const;
  expect((await refusal(reach({ ...options, retries: 1 }, clock))).code).toBe("daemon.unreachable");
  const reached = await reach({ ...options, retries: 3 }, clock);
  expect(reached.mode).toBe("daemon");
  expect(pauses).toEqual([100, 100]);
  await reached.close();
});

test("direct mode without the program says so", async () => {
  using bench = new Bench();
  const program = `${bench.home}/no-mcpd`;
  const problem = await refusal(connect({ environment: bench.environment, program }));
  expect(problem.message).toContain(`there is no program "${program}"`);
});

test("daemonIsRunning() is what it says", async () => {
  using bench = new Bench();
  const { environment } = bench;
  expect(await daemonIsRunning({ environment })).toBe(false);
  bench.serve();
  expect(await daemonIsRunning({ environment })).toBe(true);
  bench.vanish();
  expect(await daemonIsRunning({ environment })).toBe(false);
});

test("nothing can be asked of a connection that was closed", async () => {
  using bench = new Bench();
  bench.serve();
  const mcpd = await connected(bench);
  await mcpd.close();
  expect((await refusal(mcpd.listTools())).message).toBe("The connection is closed");
});

test("textOf() gives the texts, else the structured content", () => {
  const image = { type: "image", data: "" };
  const text = { type: "text", text: "a" };
  expect(textOf({ content: [text, image, { ...text, text: "b" }] })).toBe("a\nb");
  expect(textOf({ content: [], structuredContent: { a: 1 } })).toBe('{"a":1}');
  expect(textOf({})).toBe("");
});
