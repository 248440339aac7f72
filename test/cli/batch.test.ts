import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { runBatch } from "../../src/cli/batch.ts";
import type { ControlPort } from "../../src/control/client.ts";
import { fault, type FaultCode, FaultError } from "../../src/core/fault.ts";
import { Bench } from "./bench.ts";

type Line = { readonly index: number; readonly ok: boolean };

function linesOf(text: string): readonly Line[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

function fileOf(bench: Bench, text: string): string {
  const path = join(bench.home, "calls");
  writeFileSync(path, text);
  return path;
}

test("batch calls in parallel and tells the results in order", async () => {
  using bench = new Bench();
  let waiting = 0;
  let most = 0;
  const held: (() => void)[] = [];
  bench.serve({
    // The first is answered last: not before all others have come.
    "mcpd/call": async ({ tool }) => {
      most = Math.max(most, ++waiting);
      if (held.length === 0) await new Promise<void>((go) => held.push(go));
      else if (tool === "e/4") held[0]?.();
      waiting--;
      return { content: [{ type: "text", text: tool }] };
    },
  });
  const calls = [0, 1, 2, 3, 4].map((n) => JSON.stringify({ upstream: "up", tool: `e/${n}` }));
  const path = fileOf(bench, `${calls.join("\n\n")}\n`);
  const { code, stdout, stderr } = await bench.run(["batch", path, "--parallel", "2"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(linesOf(stdout).map(({ index, ok }) => [index, ok])).toEqual(
    [0, 1, 2, 3, 4].map((index) => [index, true]),
  );
  expect(most).toBe(2);
});

test("batch goes on after a call that fails, and ends in 1", async () => {
  using bench = new Bench();
  bench.serve();
  const path = fileOf(bench, '[{"tool": "missing"}, {"tool": "files/read", "timeout_secs": 0.5}]');
  const { code, stdout, stderr } = await bench.run(["batch", path]);
  expect({ code, stderr }).toEqual({ code: 1, stderr: "warning: 1 of 2 calls failed\n" });
  expect(linesOf(stdout)).toMatchObject([
    { ok: false, error: { code: "tool.unknown", hint: "List the tools with 'mcpd tools'." } },
    { ok: true },
  ]);
  expect(bench.asked.join("\n")).toContain('"upstream":"files","timeoutMs":500,"tool":"read"');
  const whole = await bench.run(["batch", path, "--json"]);
  expect(JSON.parse(whole.stdout)).toMatchObject({ results: [{ ok: false }, { ok: true }] });
});

test.each([
  ['{"tool": "a"}\n{"tool"}', "line 2: "],
  ['[{"tool": "a"}, {"name": "b"}]', 'call 2: "tool" must be its name'],
  ['{"tool": "a", "arguments": []}', 'line 1: "arguments" must be a JSON object'],
  [
    '{"tool": "a", "timeout_secs": "1"}',
    'line 1: "timeout_secs" must be seconds, above 0 and at most a day (86400)',
  ],
  ['{"tool": "a", "upstream": 7}', 'line 1: "upstream" must be its name'],
])("batch of %j calls nothing and says what is wrong", async (text, said) => {
  using bench = new Bench();
  bench.serve();
  const { code, stdout, stderr } = await bench.run(["batch", fileOf(bench, text)]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(said);
  expect(stderr).toContain("Run 'mcpd help batch' for the syntax.");
  expect(bench.asked).toEqual([]);
});

test("what a disabled daemon refuses is made elsewhere, and nothing is made twice", async () => {
  const made: string[] = [];
  const told: number[] = [];
  const calls = ["a", "b", "c"].map((tool) => ({ tool, arguments: {} }));
  const done = calls.map(() => undefined);
  const options = { parallel: 3, signal: new AbortController().signal };
  const through = (disabled: boolean) => {
    const request = async (_: unknown, { tool }: { readonly tool?: string }) => {
      // One is under way while the others are refused.
      if (tool === "a") await Bun.sleep(5);
      else if (disabled) throw new FaultError(fault("daemon.disabled"));
      made.push(tool ?? "");
      return { content: [] };
    };
    const tell = ({ index }: Line): void => void told.push(index);
    return runBatch({ request } as unknown as ControlPort, calls, options, tell, done);
  };
  const code: FaultCode = "daemon.disabled";
  await expect(through(true)).rejects.toMatchObject({ fault: { code } });
  expect(await through(false)).toHaveLength(3);
  expect({ made, told }).toEqual({ made: ["a", "b", "c"], told: [0, 1, 2] });
});
