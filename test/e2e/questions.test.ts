import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { readIfExists } from "../../src/lib/files.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { fixture, program, realServer } from "../helpers/program.ts";
import { ROOT } from "../helpers/sources.ts";
import { Terminal } from "../helpers/terminal.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, type Home } from "./harness.ts";

// What a server asks during `mcpd call`.

const ENTER = "\r";
const UP = "\u001b[A";
const DOWN = "\u001b[B";
const SPACE = " ";
const CTRL_C = "\u0003";

const server = (form: "legacy" | "modern"): object => ({
  command: process.execPath,
  args: ["run", join(ROOT, "test/conformance/fixture.ts"), form],
});
const CONFIG = {
  daemon: { auto_start: false },
  mcpServers: { old: server("legacy"), new: server("modern"), asker: fixture("asker.ts") },
};
const GREET = "test_input_required_result_elicitation";
const TWICE = "test_input_required_result_multi_round";

/** `mcpd call` in a terminal. */
function call(home: Home, ...words: readonly string[]): Terminal {
  const file = home.directory.file("stdout");
  return new Terminal([program(), "call", ...words], { env: home.env, cwd: home.path, file });
}

describe.each(["old", "new"])("a question of an upstream that is %s", (upstream) => {
  posixTest("is put to the person at the terminal, and only the result is printed", async () => {
    await using daemon = await Daemon.start(CONFIG);
    for (const words of [[], ["--no-daemon"]]) {
      await using terminal = call(daemon.home, upstream, GREET, ...words);
      await terminal.type("Your answer", ENTER);
      await terminal.type("name", `Ann${ENTER}`);
      const { exitCode, stdout, screen } = await terminal.end();
      expect([exitCode, stdout]).toEqual([0, "Hello, Ann!\n"]);
      expect(screen).toContain(`"${upstream}" asks: What is your name?`);
    }
  });

  test("is answered by --answer, each in its turn", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const { home } = daemon;
    const answers = ["--answer", "name=Ann", "--answer", '{"color": "red"}'];
    const both = await home.run("call", upstream, TWICE, ...answers);
    expect([both.exitCode, both.stdout]).toEqual([0, "Ann likes red\n"]);
    const wrong = await home.run("call", upstream, TWICE, "--answer", "nmae=Ann");
    expect([wrong.exitCode, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("/name: is missing");
    const few = await home.run("call", upstream, TWICE, "--answer", "name=Ann");
    expect(few.exitCode).toBe(69);
    expect(few.stderr).toContain("asks what no --answer answers: What is your favorite color?");
    const none = await home.run("call", upstream, GREET);
    expect(`${none.stdout}${none.stderr}`).toContain("with --answer");
    expect(none.exitCode).not.toBe(0);
  });
});

test("a server that asks again and again does not keep the call", async () => {
  await using daemon = await Daemon.start(CONFIG);
  for (const words of [[], ["--no-daemon"]]) {
    const line = ["call", "asker", "nag", "token=Really?", "--answer", "decline", ...words];
    const { exitCode, stderr } = await daemon.home.run(...line);
    expect([exitCode, stderr]).toEqual([
      69,
      expect.stringContaining("no --answer answers: Really?"),
    ]);
  }
});

describe("at the terminal", () => {
  posixTest("every kind of field of server-everything is filled in and checked", async () => {
    await using daemon = await Daemon.start({ mcpServers: { all: realServer("everything") } });
    await using terminal = call(daemon.home, "all", "trigger-elicitation-request");
    await terminal.type("Your answer", ENTER);
    await terminal.type("legal name", ENTER);
    await terminal.type("has to be filled in", `Ann${ENTER}`);
    await terminal.type("Agree to", `${UP}${UP}${ENTER}`);
    await terminal.type("first line", ENTER);
    await terminal.type("email address", `nobody${ENTER}`);
    await terminal.type('format "email"', `@a.example${ENTER}`);
    await terminal.type("Portfolio", ENTER);
    await terminal.type("date of birth", `2000-02-29${ENTER}`);
    await terminal.type("favorite integer", `0${ENTER}`);
    await terminal.type("greater than", `\u007f${ENTER}`);
    await terminal.type("Favorite number", ENTER);
    await terminal.type("favorite friend", `${DOWN}${ENTER}`);
    await terminal.type("favorite instruments", `${DOWN}${SPACE}${ENTER}`);
    await terminal.type("favorite hero", ENTER);
    await terminal.type("favorite types of fish", ENTER);
    await terminal.type("favorite type of pet", ENTER);
    const { exitCode, stdout } = await terminal.end();
    expect(exitCode).toBe(0);
    const content = JSON.parse(stdout.slice(stdout.indexOf("{"))) as object;
    expect(content).toMatchObject({
      action: "accept",
      content: {
        name: "Ann",
        check: true,
        email: "nobody@a.example",
        birthdate: "2000-02-29",
        integer: 42,
        number: 3.14,
        untitledSingleSelectEnum: "Rachel",
        untitledMultipleSelectEnum: ["Guitar", "Piano"],
      },
    });
    expect(Object.keys((content as { content: object }).content)).not.toContain("homepage");
  });

  posixTest("declining and Ctrl-C are answers too, and a second Ctrl-C ends the call", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const ask = ["asker", "ask", "kind=elicitation", "token=Who?"];
    const told = async (keys: string): Promise<unknown> => {
      await using terminal = call(daemon.home, ...ask);
      await terminal.type("Your answer", keys);
      const { stdout } = await terminal.end();
      return (JSON.parse(stdout) as { readonly said: unknown }).said;
    };
    expect(await told(`${DOWN}${ENTER}`)).toEqual({ action: "decline" });
    expect(await told(CTRL_C)).toEqual({ action: "cancel" });
    await using terminal = call(daemon.home, "new", TWICE);
    await terminal.type("Your answer", CTRL_C);
    await terminal.type("Ctrl-C again ends the call", "");
    await terminal.type("Your answer", CTRL_C);
    await terminal.type("The call has ended", "");
    expect((await terminal.end()).exitCode).toBe(130);
  });

  posixTest("nobody is asked with --json, or where CI is set", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const { env, path: cwd, directory } = daemon.home;
    const words = [program(), "call", "asker", "ask", "kind=elicitation", "token=Who?"];
    const cases = [
      { words: [...words, "--json"], env },
      { words, env: { ...env, CI: "true" } },
    ];
    for (const { words: line, env: around } of cases) {
      const options = { env: around, cwd, file: directory.file("stdout") };
      await using terminal = new Terminal(line, options);
      const { stdout, screen } = await terminal.end();
      expect(stdout).toContain("cannot answer elicitation/create");
      expect(screen).not.toContain("Who?");
    }
  });

  linuxTest("an address is opened only when the person says so", async () => {
    await using daemon = await Daemon.start({ mcpServers: { all: realServer("everything") } });
    const { home } = daemon;
    const opened = home.directory.file("opened");
    // A browser takes longer to come up than the call to end.
    const browser = `#!/bin/sh\nsleep 0.5\necho "$1" > "${opened}"\n`;
    await Bun.write(home.directory.file("bin/xdg-open"), browser);
    await Bun.$`chmod +x ${home.directory.file("bin/xdg-open")}`;
    const PATH = `${home.directory.file("bin")}:${home.env["PATH"]}`;
    const address = "https://login.example/?id=1";
    const words = [program(), "call", "all", "trigger-url-elicitation", `url=${address}`];
    const answered = async (keys: string): Promise<string> => {
      const env = { ...home.env, PATH };
      const file = home.directory.file("stdout");
      await using terminal = new Terminal(words, { env, cwd: home.path, file });
      await terminal.type(address, "");
      await terminal.type("It leads to login.example", keys);
      return (await terminal.end()).stdout;
    };
    const late = await home.run(...words.slice(1), "errorPath=true");
    expect(late.stderr).toMatch(/Open https:\S+ and call again/);
    expect(await answered(`${DOWN}${DOWN}${ENTER}`)).toContain('"action": "decline"');
    expect(await answered(`${DOWN}${ENTER}`)).toContain('"action": "accept"');
    expect(await Bun.file(opened).exists()).toBe(false);
    expect(await answered(ENTER)).toContain('"action": "accept"');
    const seen = (): string => readIfExists(opened) ?? "";
    await waitFor("the browser", () => seen().endsWith("\n"));
    expect(seen()).toBe(`${address}\n`);
  });
});
