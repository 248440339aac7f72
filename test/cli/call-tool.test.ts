import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { posixTest } from "../helpers/posix.ts";
import { Terminal } from "../helpers/terminal.ts";
import { Bench, MAIN, outcomeOf } from "./bench.ts";

type Json = { readonly [key: string]: unknown };

test("call prints the text of a result and passes what was typed", async () => {
  using bench = new Bench();
  bench.serve();
  const words = ["call", "files", "read_file", "path=/x", "n=2", "--timeout", "1.5"];
  const { code, stdout } = await bench.run(words);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    project: bench.home,
    upstream: "files",
    tool: "read_file",
    arguments: { path: "/x", n: 2 },
    texts: { n: "2" },
    timeoutMs: 1500,
  });
});

posixTest("call prints a text as it is, but steers no terminal by it", async () => {
  using bench = new Bench();
  const text = "\u001b[31mred\u001b[0m \u001b]52;c;ZXZpbA==\u0007\r\na\rb";
  bench.serve({ "mcpd/call": () => ({ content: [{ type: "text", text }] }) });
  expect((await bench.run(["call", "files", "read_file"])).stdout).toBe(`${text}\n`);
  const words = [process.execPath, MAIN, "call", "files", "read_file"];
  await using terminal = new Terminal(words, { cwd: bench.home, env: bench.environment });
  const { screen } = await terminal.end();
  expect(screen).toBe("\u001b[31mred\u001b[0m \\e]52;c;ZXZpbA==\\x07\r\r\na\\x0db\r\n");
});

test("call-tool takes the ways to name a tool apart", async () => {
  using bench = new Bench();
  bench.serve();
  const named = async (name: string): Promise<Json> =>
    JSON.parse((await bench.run(["call-tool", name, "{}"])).stdout) as Json;
  expect(await named("read")).toMatchObject({ tool: "read", arguments: {} });
  expect(await named("files/read")).toMatchObject({
    upstream: "files",
    tool: "read",
    arguments: {},
  });
  expect(await named("files__read")).toMatchObject({ tool: "files__read", arguments: {} });
});

test("call ends in 1 for an error of the tool and in the code of a fault", async () => {
  using bench = new Bench();
  bench.serve({
    "mcpd/call": () => ({ content: [{ type: "text", text: "no such file" }], isError: true }),
  });
  const failed = await bench.run(["call", "files", "read_file"]);
  expect(failed).toEqual({
    code: 1,
    stdout: "no such file\n",
    stderr: "warning: The tool reports an error\n",
  });
  using other = new Bench();
  other.serve();
  const unknown = await other.run(["call", "files", "missing"]);
  expect(unknown.code).toBe(66);
  expect(unknown.stderr).toBe(
    "mcpd: There is no tool \"missing\"\n  List the tools with 'mcpd tools'.\n",
  );
});

test("call saves a binary result to a file", async () => {
  using bench = new Bench();
  const data = Buffer.from("PNG").toString("base64");
  bench.serve({
    "mcpd/call": () => ({ content: [{ type: "image", mimeType: "image/png", data }] }),
  });
  const shown = await bench.run(["call", "a", "b"]);
  expect(shown.stdout).toBe("[image image/png, 3 B; save it with --output FILE]\n");
  const path = join(bench.home, "shot.png");
  const saved = await bench.run(["call", "a", "b", "-o", path]);
  expect(saved).toEqual({ code: 0, stdout: "", stderr: `Wrote ${path} (image image/png, 3 B)\n` });
  expect(readFileSync(path, "utf8")).toBe("PNG");
});

test("call saves text as it is, without a line end of its own", async () => {
  using bench = new Bench();
  bench.serve({ "mcpd/call": () => ({ content: [{ type: "text", text: "hello" }] }) });
  const path = join(bench.home, "text");
  expect((await bench.run(["call", "a", "b", "-o", path])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toBe("hello");
});

test("call is cancelled by Ctrl-C and ends in 130", async () => {
  using bench = new Bench();
  const called = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  bench.serve({
    "mcpd/call": (_, { signal }) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      called.resolve();
      return new Promise(() => undefined);
    },
  });
  const running = bench.start(["call", "a", "b"]);
  await called.promise;
  running.kill("SIGINT");
  const { code, stderr } = await outcomeOf(running);
  await cancelled.promise;
  expect({ code, first: stderr.split("\n")[0] }).toEqual({ code: 130, first: "mcpd: Cancelled" });
});
