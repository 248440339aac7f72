import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Bench } from "./bench.ts";

// Only what asks the system for nothing: the rest is in test/e2e/daemon.test.ts, on a machine of
// its own.

type Shown = { readonly name: string; readonly path: string; readonly text: string };
type Planned = { readonly path: string; readonly definition: string };

test("daemon template prints what an install fills in, and where one's own belongs", async () => {
  using bench = new Bench();
  const { code, stdout, stderr } = await bench.run(["daemon", "template"]);
  expect([code, stdout.includes("{{program}}")]).toEqual([0, true]);
  expect(stderr).toContain(bench.paths.templatesDir);
  const json = await bench.run(["daemon", "template", "--json"]);
  const { name, path, text } = JSON.parse(json.stdout) as Shown;
  expect([text, path]).toEqual([stdout, join(bench.paths.templatesDir, name)]);
});

test("daemon install --dry-run shows what it would write, and writes nothing", async () => {
  using bench = new Bench();
  const words = ["daemon", "install", "--dry-run", "--config", "my.json"];
  const { code, stdout, stderr } = await bench.run([...words, "--json"]);
  expect(code).toBe(0);
  expect(stderr).toContain("is no installed copy");
  const { path, definition } = JSON.parse(stdout) as Planned;
  expect(definition).toContain(process.execPath);
  expect(definition).toContain("bootstrap");
  expect(definition).toContain(join(bench.home, "my.json"));
  expect(definition).not.toContain("{{");
  expect(await Bun.file(path).exists()).toBe(false);
  expect((await bench.run(words)).stdout).toStartWith(`Would write ${path}, `);
});

test("daemon install fills in a template of one's own, and tells what is wrong with it", async () => {
  using bench = new Bench();
  const dry = ["daemon", "install", "--dry-run"];
  const { stdout } = await bench.run(["daemon", "template", "--json"]);
  const { path } = JSON.parse(stdout) as Shown;
  mkdirSync(bench.paths.templatesDir, { recursive: true });
  writeFileSync(path, "mine: {{arguments}}\n");
  expect((await bench.run(dry)).stdout).toContain("mine: ");
  appendFileSync(path, "{{path_}}\n");
  const { code, stderr } = await bench.run(dry);
  expect(code).toBe(78);
  expect(stderr).toContain(`Unknown placeholder {{path_}} in ${path}, line 2.`);
  expect(stderr).toContain("'mcpd daemon template' prints the one to start from");
});

test("daemon logs shows the log of the bootstrap, and says where to look when there is none", async () => {
  using bench = new Bench();
  const none = await bench.run(["daemon", "logs"]);
  expect([none.code, none.stderr.includes("bootstrap.log")]).toEqual([74, true]);
  mkdirSync(bench.paths.logsDir, { recursive: true });
  writeFileSync(join(bench.paths.logsDir, "bootstrap.log"), "one\ntwo\nthree\n");
  expect((await bench.run(["daemon", "logs", "-n", "2"])).stdout).toBe("two\nthree\n");
  const json = await bench.run(["daemon", "logs", "-n", "1", "--json"]);
  expect(JSON.parse(json.stdout)).toEqual({ lines: ["three"] });
});

test("daemon alone lists its commands, and all of them explain themselves", async () => {
  using bench = new Bench();
  const { stdout } = await bench.run(["daemon"]);
  const names = [...stdout.matchAll(/^ {2}(daemon \w+)/gm)].map(([, name = ""]) => name);
  expect(names.length).toBe(8);
  for (const name of names) {
    const { code, stdout: help } = await bench.run(["help", ...name.split(" ")]);
    expect([code, help.includes(`mcpd ${name}`)]).toEqual([0, true]);
  }
});
