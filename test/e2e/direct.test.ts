import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";

import { freePort } from "../helpers/port.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon, type Finished, Home } from "./harness.ts";
import { statusOf } from "./status.ts";

// What a command does where no daemon runs.

/** A home with the echo server in its config, and whatever happened to that server. */
class Scene implements Disposable {
  readonly home = new Home();
  readonly #journal = this.home.directory.file("journal");

  constructor(daemon: object = { auto_start: false }) {
    const echo = fixture("echo.ts", `--journal=${this.#journal}`);
    this.home.writeConfig({ daemon, mcpServers: { echo } });
  }

  get journal(): readonly string[] {
    try {
      return readFileSync(this.#journal, "utf8").match(/^\w+/gm) ?? [];
    } catch {
      return [];
    }
  }

  async run(line: string): Promise<Finished> {
    return await this.home.run(...line.split(" "));
  }

  [Symbol.dispose](): void {
    this.home[Symbol.dispose]();
  }
}

async function expectNobody(home: Home): Promise<void> {
  await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
}

describe("without a daemon", () => {
  test.each([{ auto_start: false }, { enabled: false }])(
    "and with %j a command starts the server, asks it and ends it",
    async (daemon) => {
      using scene = new Scene(daemon);
      const { stdout, stderr, exitCode } = await scene.run("call echo add a=40 b=2");
      expect([stdout, stderr, exitCode]).toEqual(["42\n", "", 0]);
      expect(scene.journal).toEqual(["start", "initialize", "call", "end"]);
      await expectNobody(scene.home);
      expect(await statusOf(scene.home)).toBeNull();
    },
  );

  test("everything that is asked is answered as a daemon would", async () => {
    using scene = new Scene();
    const cases: readonly (readonly [line: string, code: number, said: string])[] = [
      ["call-tool add a=1 b=2", 0, "3\n"],
      ["call-tool echo text=7", 0, "7\n"],
      ["call echo add a=1 b=x", 65, "/b: expected number, got string"],
      ["call ehco add", 66, 'Did you mean "echo"?'],
      ["call echo ad", 66, 'Did you mean "add"?'],
      ["call echo never --timeout 0.2", 124, "not answered within 200 ms"],
      ["call echo crash", 69, "may or may not"],
      ["tools add", 0, "Adds two numbers"],
      ["resources", 0, "echo://item/{number}"],
      ["resources two --json", 0, '"uri": "echo://two"'],
      ["read echo://two", 0, "echo://two\n"],
      ["read echo://nine", 66, "Resource not found"],
      ["prompts", 0, "Greets somebody"],
      ["prompt echo/greet name=7", 0, "user:\nHello 7\n"],
      ["prompt nothing", 66, "Unknown prompt"],
      ["suggest greet name b", 0, "barbara\n"],
      ["suggest echo://item/{number} number ad", 0, "ada\n"],
    ];
    for (const [line, code, said] of cases) {
      const { exitCode, stdout, stderr } = await scene.run(line);
      expect([line, exitCode, stdout + stderr]).toEqual([
        line,
        code,
        expect.stringContaining(said),
      ]);
    }
    await expectNobody(scene.home);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s cancels the call upstream", async (signal) => {
    using scene = new Scene();
    const child = Bun.spawn([program(), "call", "echo", "never"], {
      cwd: scene.home.path,
      env: { ...scene.home.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await waitFor("the call", () => scene.journal.includes("call"));
    child.kill(signal);
    expect(await within("the end", child.exited)).toBe(130);
    expect(scene.journal).toEqual(["start", "initialize", "call", "cancel", "end"]);
    await expectNobody(scene.home);
  });

  test("a config that is wrong is what is told", async () => {
    using scene = new Scene();
    scene.home.writeConfig("{ nonsense");
    const { exitCode, stderr } = await scene.run("call echo add");
    expect([exitCode, stderr]).toEqual([78, expect.stringContaining(":1:3: ")]);
    expect((await scene.run("tools --config none.json")).exitCode).toBe(78);
  });

  test("daemon.auto_start starts one instead, which stays", async () => {
    using scene = new Scene({ port: freePort() });
    try {
      expect((await scene.run("call echo add a=1 b=2")).stdout).toBe("3\n");
      expect((await scene.run("call echo add a=1 b=3")).stdout).toBe("4\n");
      expect(scene.journal).toEqual(["start", "initialize", "call", "call"]);
    } finally {
      await scene.run("daemon stop");
      await expectNobody(scene.home);
    }
  });
});

describe("with a daemon", () => {
  const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };
  const pidOf = ({ stdout }: Finished): number => JSON.parse(stdout).pid;

  test("--no-daemon starts a server of its own all the same", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const shared = pidOf(await daemon.run("call", "echo", "stats"));
    expect(pidOf(await daemon.run("call", "echo", "stats"))).toBe(shared);
    expect(pidOf(await daemon.run("call", "echo", "stats", "--no-daemon"))).not.toBe(shared);
  });

  test("--config with another file leaves it alone, with its own it is used", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const other = daemon.home.directory.file("other.json");
    writeFileSync(other, JSON.stringify({ mcpServers: { mine: fixture("echo.ts") } }));
    const { stdout, exitCode } = await daemon.run(
      "call",
      "mine",
      "add",
      "a=1",
      "b=2",
      "--config",
      other,
    );
    expect([stdout, exitCode]).toEqual(["3\n", 0]);
    const shared = pidOf(await daemon.run("call", "echo", "stats"));
    const words = ["call", "echo", "stats", "--config", daemon.home.configFile];
    expect(pidOf(await daemon.run(...words))).toBe(shared);
  });

  test("batch runs at the same time what it is given, results in order", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const file = daemon.home.directory.file("calls.jsonl");
    const calls = [300, 200, 100].map((ms) => ({ tool: "slow", arguments: { ms } }));
    writeFileSync(file, calls.map((call) => JSON.stringify(call)).join("\n"));
    const { stdout, exitCode } = await daemon.run("batch", file);
    const texts = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).result.content[0].text);
    expect([exitCode, texts]).toEqual([0, ["slept 300 ms", "slept 200 ms", "slept 100 ms"]]);
  });
});
