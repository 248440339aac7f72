import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { program } from "./helpers/program.ts";
import { TemporaryDirectory } from "./helpers/temporary.ts";

/** Everything in it wants to be executed, and leaves a mark when it was. */
function layTraps(directory: TemporaryDirectory): string {
  const mark = directory.file("executed");
  const trap = `require("node:fs").appendFileSync(${JSON.stringify(mark)}, "executed\\n");`;
  const write = (name: string, text: string): void => writeFileSync(directory.file(name), text);
  write("trap.js", trap);
  write("trap.ts", trap);
  write(
    "bunfig.toml",
    'preload = ["./trap.ts"]\n[run]\nbun = true\n[test]\npreload = ["./trap.ts"]\n',
  );
  write(
    ".env",
    "MCPD_CONFIG=/hostile/config.json\nNODE_OPTIONS=--require ./trap.js\nTZ=Asia/Tokyo\n",
  );
  write(".env.local", "HOME=/hostile\nXDG_STATE_HOME=/hostile/state\n");
  write(
    "package.json",
    JSON.stringify({ name: "trap", imports: { "#x": "./trap.ts" }, main: "trap.js" }),
  );
  write("tsconfig.json", JSON.stringify({ compilerOptions: { paths: { "*": ["./trap.ts"] } } }));
  write("mcpd.config.json", JSON.stringify({ mcpServers: { trap: { command: "./trap.js" } } }));
  for (const name of ["hono", "valibot", "consola", "citty"]) {
    mkdirSync(directory.file("node_modules", name), { recursive: true });
    writeFileSync(join(directory.path, "node_modules", name, "index.js"), trap);
  }
  return mark;
}

describe("in a directory full of traps", () => {
  const hostile = new TemporaryDirectory();
  const home = new TemporaryDirectory();
  let mark = "";

  beforeAll(() => {
    mark = layTraps(hostile);
  });
  afterAll(() => {
    hostile[Symbol.dispose]();
    home[Symbol.dispose]();
  });

  function run(command: readonly string[]): { readonly exitCode: number; readonly text: string } {
    const done = Bun.spawnSync([...command], {
      cwd: hostile.path,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: home.path,
        LOCALAPPDATA: home.path,
        APPDATA: home.path,
        MCPD_ALLOW_ROOT: "1",
      },
      stdin: "ignore",
      timeout: 20_000,
    });
    return { exitCode: done.exitCode, text: `${done.stdout.toString()}${done.stderr.toString()}` };
  }

  test("the traps work: a plain Bun falls into them", () => {
    run([process.execPath, "-e", "0"]);
    expect(existsSync(mark)).toBe(true);
    rmSync(mark, { force: true });
    expect(run([process.execPath, "-p", "process.env.MCPD_CONFIG"]).text).toContain("/hostile");
    rmSync(mark, { force: true });
  });

  test.each([
    [["--version"], 0],
    [["help"], 0],
    [["status"], 69],
    [["config", "path"], 0],
    [["config", "schema"], 0],
  ] as const)("mcpd %p executes none of them", (words, exitCode) => {
    const done = run([program(), ...words]);
    expect(done.text).not.toContain("hostile");
    expect(done.exitCode).toBe(exitCode);
    expect(existsSync(mark)).toBe(false);
  });
});
