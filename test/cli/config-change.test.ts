import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { posixTest } from "../helpers/posix.ts";
import { Terminal } from "../helpers/terminal.ts";
import { Bench, MAIN } from "./bench.ts";

test("servers add, disable, enable and remove edit the file and apply it", async () => {
  using bench = new Bench();
  bench.serve();
  const path = bench.paths.configFile;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{\n  // mine\n  "mcpServers": {}\n}\n', { mode: 0o600 });
  const words = [
    "servers",
    "add",
    "files",
    "--env",
    "MODE=x",
    "--env-ref",
    "T=MY_T",
    "--",
    "npx",
    "-y",
  ];
  const dry = await bench.run([...words.slice(0, 3), "--dry-run", ...words.slice(3)]);
  expect(dry.stdout).toContain('+     "files": {');
  expect(readFileSync(path, "utf8")).not.toContain("files");
  const added = await bench.run(words);
  expect(added.stdout).toBe(`Added "files" (${path})\n`);
  expect(added.stderr).toBe(
    "The daemon runs with it (revision 8)\nUndo: mcpd servers remove files\n",
  );
  expect(readFileSync(path, "utf8")).toContain("// mine");
  expect((await bench.run(["servers", "add", "files", "--", "x"])).code).toBe(2);
  expect((await bench.run(["servers", "disable", "files"])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('"disabled": true');
  expect((await bench.run(["servers", "enable", "files"])).code).toBe(0);
  expect(readFileSync(path, "utf8")).not.toContain("disabled");
  const removed = await bench.run(["servers", "remove", "files"]);
  const undo = /Undo: mcpd (.*)/.exec(removed.stderr)?.[1] ?? "";
  const entry = '{"command":"npx","args":["-y"],"env":{"MODE":"x","T":{"env":"MY_T"}}}';
  expect(undo).toBe(`servers add files --entry '${entry}'`);
  expect(readFileSync(path, "utf8")).not.toContain("npx");
  expect((await bench.run(["servers", "add", "files", "--entry", entry])).code).toBe(0);
  expect(readFileSync(path, "utf8")).toContain('"MY_T"');
});

test("servers add warns about a secret in plain text and refuses what cannot work", async () => {
  using bench = new Bench();
  const add = async (...words: string[]) => await bench.run(["servers", "add", ...words]);
  const secret = await add("docs", "--env", "MY_TOKEN=abcdefgh123", "--", "x");
  expect(secret.code).toBe(0);
  expect(secret.stderr).toContain("MY_TOKEN is written to the config as plain text");
  expect(secret.stderr).toContain("The daemon is not running: it takes effect when it starts");
  expect((await add("b")).stderr).toContain("nothing says how to reach it");
  expect((await add("b", "--url", "http://x/", "--", "y")).stderr).toContain("several ways");
  expect((await add("b", "--env", "X", "--", "y")).stderr).toContain("--env must be KEY=VALUE");
  for (const name of ["mcpd", "__proto__", "constructor", "_note", "a b"]) {
    expect((await add(name, "--", "y")).stderr).toContain(`Cannot add "${name}": `);
  }
  const unknown = await bench.run(["servers", "remove", "doc"]);
  expect(unknown.code).toBe(66);
  expect(unknown.stderr).toContain('Did you mean "docs"?');
});

test("servers lists the config when no daemon runs", async () => {
  using bench = new Bench();
  await bench.run(["servers", "add", "docs", "--url", "https://example.com/mcp?key=1"]);
  const { code, stdout } = await bench.run(["servers", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    running: false,
    servers: expect.arrayContaining([
      expect.objectContaining({
        name: "docs",
        state: "stopped",
        reach: "https://example.com/mcp?...",
      }),
    ]),
  });
});

test("config commands find, explain and check the file", async () => {
  using bench = new Bench();
  const path = join(bench.home, "my.json");
  writeFileSync(path, '{ "daemon": { "port": 80 } }', { mode: 0o600 });
  expect((await bench.run(["config", "path"], { MCPD_CONFIG: path })).stdout).toBe(`${path}\n`);
  const wrong = await bench.run(["config", "validate", path]);
  expect(wrong.code).toBe(78);
  expect(wrong.stderr).toContain(`${path}:1:23`);
  writeFileSync(path, '{ "daemon": { "port": 8400 } }', { mode: 0o600 });
  expect((await bench.run(["config", "validate", path])).stdout).toBe(`${path} is valid\n`);
  const explained = await bench.run(["config", "explain", "daemon.port", "--config", path]);
  expect(explained.stdout).toContain("value    8400 (line 1)");
  const values = await bench.run(["--json", "config", "show", "--config", path]);
  expect(JSON.parse(values.stdout)).toMatchObject({ path, values: { "daemon.port": 8400 } });
  const schema = await bench.run(["config", "schema"]);
  expect(JSON.parse(schema.stdout)).toMatchObject({ title: "mcpd config" });
});

test("config edit runs the editor and fails on what it leaves behind", async () => {
  using bench = new Bench();
  const good = await bench.run(["config", "edit"], { EDITOR: "true" });
  expect(good.stdout).toBe(`${bench.paths.configFile} is valid\n`);
  const editor = join(bench.home, "editor.sh");
  writeFileSync(editor, '#!/bin/sh\necho "{" > "$1"\n', { mode: 0o700 });
  expect((await bench.run(["config", "edit"], { VISUAL: editor })).code).toBe(78);
  expect((await bench.run(["config", "edit"], { EDITOR: "false" })).code).toBe(74);
});

test("where nobody can be asked, as under cron, setup and doctor --fix say so", async () => {
  using bench = new Bench();
  const silent = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
  for (const words of [["setup"], ["doctor", "--fix"]]) {
    const argv = [process.execPath, MAIN, ...words];
    const child = Bun.spawn(argv, { cwd: bench.home, env: bench.environment, ...silent });
    expect([words, await child.exited]).toEqual([words, 2]);
  }
});

for (const [redirection, code] of [
  [">/dev/null", 2],
  [">seen", 2],
  ["2>/dev/null", 0],
] as const) {
  posixTest(`setup asks on standard output, if it is a terminal: ${redirection}`, async () => {
    using bench = new Bench();
    const line = `"${process.execPath}" "${MAIN}" setup cursor ${redirection}`;
    const around = { cwd: bench.home, env: bench.environment };
    await using terminal = new Terminal(["sh", "-c", line], around);
    if (code === 0) await terminal.type("Which clients", "\u0003");
    const { exitCode, screen } = await terminal.end();
    expect([exitCode, screen.includes("Which clients")]).toEqual([code, code === 0]);
  });
}
