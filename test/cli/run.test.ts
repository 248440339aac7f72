import { expect, test } from "bun:test";
import { join } from "node:path";

import { Bench, outcomeOf, STATUS } from "./bench.ts";

type Json = { readonly [key: string]: unknown };

test("run() prints a short help for no command, and the version for --version", async () => {
  using bench = new Bench();
  const help = await bench.run([]);
  expect(help.code).toBe(0);
  expect(help.stdout).toContain("Usage: mcpd COMMAND");
  expect(help.stdout.split("\n").every((line) => line.length <= 100)).toBe(true);
  for (const words of [["--version"], ["-V"], ["version"], ["status", "--version"]]) {
    expect(await bench.run(words)).toEqual({ code: 0, stdout: "mcpd 0.0.0-dev\n", stderr: "" });
  }
});

test("run() refuses unknown commands and flags with a suggestion and exit code 2", async () => {
  using bench = new Bench();
  const cases: readonly (readonly [string, string])[] = [
    ["statsu", 'Unknown command "statsu". Did you mean "status"?'],
    ["servers lst", 'Unknown command "servers lst". Did you mean "list"?'],
    ["confg", 'Unknown command "confg". Did you mean "config"?'],
    ["status --wach", 'Unknown flag "--wach". Did you mean "--watch"?'],
    ["--bogus", 'Unknown flag "--bogus"'],
    ["status extra", 'Unexpected argument "extra"'],
    ["call", "UPSTREAM is missing"],
    ["logs -n", "--lines needs a value"],
    ["--config", "--config needs a value"],
  ];
  for (const [line, text] of cases) {
    const { code, stdout, stderr } = await bench.run(line.split(" "));
    expect({ line, code, stdout, first: stderr.split("\n")[0] }).toEqual({
      line,
      code: 2,
      stdout: "",
      first: `mcpd: ${text}`,
    });
    expect(stderr).toContain("Run 'mcpd help");
  }
});

test("run() takes global flags before and after the command", async () => {
  using bench = new Bench();
  bench.serve();
  for (const words of [
    ["--json", "status"],
    ["status", "--json"],
    ["--config", "status", "--json", "status"],
  ]) {
    const { code, stdout } = await bench.run(words);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(STATUS);
  }
});

test("run() explains every command, whatever else is on the line", async () => {
  using bench = new Bench();
  for (const words of [
    ["help", "call"],
    ["call", "--help"],
    ["call", "-h", "--bogus", "x"],
  ]) {
    const { code, stdout } = await bench.run(words);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: mcpd call UPSTREAM TOOL [ARGUMENT...] [flags]");
  }
  const tree = JSON.parse((await bench.run(["help", "--json"])).stdout) as { commands: Json[] };
  expect(tree.commands.map((row) => row["name"])).toContain("servers add");
  for (const { name, description, examples } of tree.commands) {
    expect({ name, ok: description !== "" && (examples as Json[]).length > 0 }).toEqual({
      name,
      ok: true,
    });
  }
});

test("run() says that no daemon runs, why, and what to do", async () => {
  using bench = new Bench();
  const none = await bench.run(["status"]);
  expect(none.code).toBe(69);
  expect(none.stderr).toBe(
    `mcpd: The daemon is not running: there is no socket at ${bench.paths.controlAddress}\n` +
      "  Start it with 'mcpd start'.\n",
  );
  const { stdout, stderr } = await bench.run(["status", "--json"]);
  expect(stderr).toBe("");
  expect((JSON.parse(stdout) as { error: Json }).error).toMatchObject({
    code: "daemon.unreachable",
    hint: "Start it with 'mcpd start'.",
  });
});

test("run() colours when told to and never against NO_COLOR or --no-color", async () => {
  using bench = new Bench();
  bench.serve();
  const escape = "\u001b[";
  const colored = await bench.run(["status"], { FORCE_COLOR: "1" });
  expect(colored.stdout).toContain(escape);
  expect((await bench.run(["status"])).stdout).not.toContain(escape);
  expect((await bench.run(["status"], { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain(
    escape,
  );
  expect((await bench.run(["status", "--no-color"], { FORCE_COLOR: "1" })).stdout).not.toContain(
    escape,
  );
});

test("run() ends quietly with its own exit code when nobody reads the rest", async () => {
  using bench = new Bench();
  const tool = {
    upstream: "x",
    tool: "t",
    name: "t",
    title: "",
    description: "d",
    inputSchema: {},
  };
  const tools = Array.from({ length: 20_000 }, () => tool);
  bench.serve({ "mcpd/tools": () => ({ tools, missing: [] }) });
  const main = join(import.meta.dir, "../../src/main.ts");
  const line = `"${process.execPath}" "${main}" tools | head -1; echo "\${PIPESTATUS[0]}"`;
  const shell = Bun.spawn(["bash", "-c", line], {
    env: { ...bench.environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(await outcomeOf(shell as never)).toEqual({
    code: 0,
    stdout: "TOOL  UPSTREAM  DESCRIPTION\n0\n",
    stderr: "",
  });
});
