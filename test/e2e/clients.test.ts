import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { FIXTURES } from "../clients/fixtures.ts";
import { LineClient } from "../helpers/line-client.ts";
import { posixTest } from "../helpers/posix.ts";
import { fixture, program } from "../helpers/program.ts";
import { Terminal } from "../helpers/terminal.ts";
import { ClientHome, INSTALLED } from "./clients.ts";
import { Daemon } from "./harness.ts";

const SECRETS = [
  "ghp_0123456789abcdefghijABCDEFGHIJ012345",
  "key-0123456789abcdef",
  "hunter2hunter2",
];

type Listed = {
  readonly clients: readonly {
    readonly id: string;
    readonly installed: boolean;
    readonly files: readonly { readonly connected: readonly string[]; readonly problem: unknown }[];
  }[];
};

async function connectedOf(home: ClientHome): Promise<readonly string[]> {
  const { stdout } = await home.run("clients", "--json");
  const { clients } = JSON.parse(stdout) as Listed;
  const isConnected = ({ files }: Listed["clients"][number]): boolean =>
    files.some(({ connected }) => connected.length > 0);
  return clients.filter(isConnected).map(({ id }) => id);
}

/** Runs setup on a terminal, gives each question its keys, and returns what was to be seen. */
async function answered(
  home: ClientHome,
  keys: { readonly [question: string]: string },
): Promise<string> {
  await using terminal = new Terminal([program(), "setup"], { cwd: home.path, env: home.env });
  for (const [question, key] of Object.entries(keys)) await terminal.type(question, key);
  const { exitCode, screen } = await terminal.end();
  expect(exitCode).toBe(0);
  return screen;
}

describe("mcpd setup", () => {
  test("shares the servers of every client, and undo gives back every byte", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    const setup = await home.run("setup", "--yes");
    expect([setup.exitCode, setup.stdout]).toEqual([0, expect.stringContaining("25 servers, 12")]);
    expect(await connectedOf(home)).toEqual([...INSTALLED]);
    const after = home.contents();
    expect(Object.keys(after)).toEqual(Object.keys(before));
    const texts = [...Object.values(after), readFileSync(home.configFile, "utf8"), setup.stdout];
    for (const secret of SECRETS) expect(texts.join("\n")).not.toContain(secret);
    const checked = await home.run("config", "validate");
    expect([checked.exitCode, checked.stderr]).toEqual([0, ""]);
    const again = await home.run("setup", "--yes");
    expect(again.stdout).toContain("Nothing is to be changed");
    // Where nothing follows there is no "Before".
    expect(again.stdout).toMatch(/^Now: \d+ process/m);
    const undo = await home.run("undo");
    expect([undo.exitCode, home.contents()]).toEqual([0, before]);
    expect(existsSync(home.platform.paths.configDir)).toBe(false);
    expect((await home.run("undo")).exitCode).toBe(66);
  });

  test("only shows what it would do with --dry-run, secrets blanked", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    const { stdout, stderr, exitCode } = await home.run("setup", "--dry-run");
    expect([exitCode, home.contents()]).toEqual([0, before]);
    expect(existsSync(home.platform.paths.configDir)).toBe(false);
    for (const id of INSTALLED) expect(stdout).toContain(home.file(id));
    for (const secret of SECRETS) expect(stdout + stderr).not.toContain(secret);
    const { stdout: json } = await home.run("setup", "--dry-run", "--json");
    for (const secret of SECRETS) expect(json).not.toContain(secret);
    expect(JSON.parse(json)).toMatchObject({ dryRun: true, skipped: [] });
  });

  test("does not ask where nobody can answer", async () => {
    using home = new ClientHome();
    home.install();
    for (const words of [["setup"], ["setup", "--json"]]) {
      const { exitCode, stdout, stderr } = await home.run(...words);
      expect(exitCode).toBe(2);
      expect(stdout + stderr).toContain("--yes");
    }
    expect(readdirSync(home.path)).not.toContain("mcpd");
  });

  posixTest("asks people which clients, and whether, and does nothing when they stop", async () => {
    using home = new ClientHome({ TERM: "xterm" });
    home.install();
    const before = home.contents();
    expect(await answered(home, { "Which clients": "\u0003" })).toContain("Nothing was changed");
    expect(await answered(home, { "Which clients": "\r", "Change these": "n" })).toContain(
      "Nothing was changed",
    );
    expect(home.contents()).toEqual(before);
    await answered(home, { "Which clients": "\r", "Change these": "y" });
    expect(await connectedOf(home)).toEqual([...INSTALLED]);
  });

  test("sets up the clients it is told, and no other", async () => {
    using home = new ClientHome();
    home.install();
    expect((await home.run("setup", "--yes", "cursor", "codex")).exitCode).toBe(0);
    expect(await connectedOf(home)).toEqual(["cursor", "codex"]);
    const typo = await home.run("setup", "--yes", "curser");
    expect([typo.exitCode, typo.stderr]).toEqual([66, expect.stringContaining('"cursor"?')]);
  });

  test("takes the servers of a project over with --project, one instance for each project", async () => {
    using home = new ClientHome();
    const project = home.directory.file("work");
    mkdirSync(project);
    const file = join(project, ".mcp.json");
    const text = '{ "mcpServers": { "lint": { "command": "lint-mcp", "args": ["."] } } }\n';
    writeFileSync(file, text);
    const child = Bun.spawnSync([program(), "setup", "--yes", "--project"], {
      cwd: project,
      env: { ...home.env },
    });
    expect(child.exitCode).toBe(0);
    expect(JSON.parse(readFileSync(file, "utf8")).mcpServers.mcpd.args).toEqual([
      "bridge",
      "--project",
      project,
    ]);
    const config = readFileSync(home.configFile, "utf8");
    expect(config).toContain('"scope": "project"');
    expect(config).toContain('"cwd": "{project}"');
    await home.run("undo");
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("leaves out what it cannot read or write, and sets up the rest", async () => {
    using home = new ClientHome();
    home.install();
    home.write("cursor", '{ "mcpServers": { "a": } }');
    home.write("zed", new Uint8Array([0x7b, 0xff, 0xfe]));
    home.write("amp", '{ "amp.mcpServers": "none" }');
    chmodSync(home.file("warp"), 0o444);
    const before = home.contents();
    const { exitCode, stderr } = await home.run("setup", "--yes");
    for (const id of ["cursor", "zed", "amp"]) expect(stderr).toContain(`${id} is left out`);
    expect(stderr).toContain("line 1, column 24: value expected");
    expect(stderr).toContain(`Cannot write ${home.file("warp")}: it is read-only`);
    expect(exitCode).toBe(65);
    const bad = ["cursor", "zed", "amp", "warp"];
    const after = home.contents();
    for (const path of bad.map((id) => home.file(id).slice(home.path.length + 1))) {
      expect(after[path]).toBe(before[path] ?? "");
    }
    expect(await connectedOf(home)).toEqual(INSTALLED.filter((id) => !bad.includes(id)));
    await home.run("undo");
    expect(home.contents()).toEqual(before);
  });

  posixTest("keeps a link a link", async () => {
    using home = new ClientHome();
    const real = home.directory.file("dotfiles.json");
    writeFileSync(real, FIXTURES["cursor"]?.text ?? "");
    mkdirSync(dirname(home.file("cursor")), { recursive: true });
    symlinkSync(real, home.file("cursor"));
    await home.run("setup", "--yes");
    expect(readFileSync(real, "utf8")).toContain('"mcpd"');
    await home.run("undo");
    expect(readFileSync(real, "utf8")).toBe(FIXTURES["cursor"]?.text ?? "");
  });

  test("measures what the servers cost in the clients and in mcpd", async () => {
    using home = new ClientHome();
    const echo = fixture("echo.ts", "--delay=700", home.path);
    home.write("cursor", JSON.stringify({ mcpServers: { echo } }));
    await using daemon = await Daemon.start({}, { home });
    await using other = await Daemon.start({});
    await using bridge = new LineClient([program(), "bridge"], {
      cwd: home.path,
      env: other.home.env,
    });
    await bridge.initialize();
    const [command, ...args] = [echo.command, ...echo.args];
    await using started = new LineClient([command, ...args], { cwd: home.path, env: home.env });
    await started.initialize();
    const { stdout } = await home.run("setup", "--yes", "--json");
    const { before, after } = JSON.parse(stdout);
    expect(before.clients.processes).toBe(1);
    expect(before.clients.memoryBytes).toBeGreaterThan(5_000_000);
    const isLinux = home.platform.name === "linux";
    expect(before.sharedMemory).toBe(isLinux ? "once" : "in each");
    // Elsewhere the bridges of other homes are counted as well.
    const own = isLinux ? 1 : before.mcpd.processes;
    expect(before.mcpd.processes).toBe(own);
    expect(after.clients.processes).toBe(1);
    // It waited for the server that the daemon has just got.
    expect(after.mcpd.processes).toBe(own + 1);
    const { upstreams } = JSON.parse((await daemon.run("status", "--json")).stdout);
    expect(upstreams).toContainEqual(expect.objectContaining({ name: "echo", state: "ready" }));
    await started.end();
    expect((await home.run("setup", "--yes")).stdout).toContain("Now: 0 processes");
    const again = JSON.parse((await home.run("setup", "--yes", "--json")).stdout);
    expect(again.before.clients).toEqual({ processes: 0, memoryBytes: 0 });
    expect((await daemon.run("call", "echo", "add", "a=1", "b=2")).stdout.trim()).toBe("3");
  });

  test("runs from then on what the client ran, with the secret that was in its args", async () => {
    using home = new ClientHome();
    const echo = fixture("echo.ts", "--api-key", "k3y-k3y-k3y-k3y");
    home.write("claude-desktop", JSON.stringify({ mcpServers: { "my echo": echo } }));
    expect((await home.run("setup", "--yes")).exitCode).toBe(0);
    const { mcpServers } = JSON.parse(home.read("claude-desktop"));
    const { command, args } = mcpServers.mcpd;
    await using daemon = await Daemon.start(null, { home });
    await using client = new LineClient([command, ...args], { cwd: home.path, env: home.env });
    await client.initialize();
    expect(await client.call(1, "add", { a: 40, b: 2 })).toContain("42");
    expect(await client.call(2, "environment")).toContain("API_KEY");
    expect(await client.end()).toBe(0);
    const listed = await daemon.run("servers", "--json");
    expect(listed.stdout).not.toContain("k3y-k3y");
  });
});

describe("mcpd undo", () => {
  test("leaves a file that was edited since, shows how, and restores the rest", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    await home.run("setup", "--yes");
    const edited = `${home.read("vscode")}// mine\n`;
    home.write("vscode", edited);
    const undo = await home.run("undo");
    expect(undo.exitCode).toBe(75);
    expect(undo.stderr).toContain(`${home.file("vscode")} was changed since`);
    expect(undo.stderr).toContain("+ // mine");
    expect(home.read("vscode")).toBe(edited);
    const path = home.file("vscode").slice(home.path.length + 1);
    expect({ ...home.contents(), [path]: "" }).toEqual({ ...before, [path]: "" });
    home.write("vscode", edited.replace("// mine\n", ""));
    expect((await home.run("undo")).exitCode).toBe(0);
    expect(home.contents()).toEqual(before);
  });

  test("puts only the servers back with --merge where others have changed the file", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    await home.run("setup", "--yes");
    const counted = home.read("claude-code").replace('"numStartups": 41', '"numStartups": 42');
    home.write("claude-code", counted);
    home.write("goose", `${home.read("goose")}GOOSE_MODEL: new\n`);
    const { exitCode, stderr } = await home.run("undo", "--merge");
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("Put the servers back in")]);
    const wanted = JSON.parse(FIXTURES["claude-code"]?.text ?? "");
    expect(JSON.parse(home.read("claude-code"))).toEqual({ ...wanted, numStartups: 42 });
    expect(home.read("goose")).toContain("GOOSE_MODEL: new\n");
    expect(await connectedOf(home)).toEqual([]);
    const paths = ["claude-code", "goose"].map((id) => home.file(id).slice(home.path.length + 1));
    const blank = Object.fromEntries(paths.map((path) => [path, ""]));
    expect({ ...home.contents(), ...blank }).toEqual({ ...before, ...blank });
    const { stdout } = await home.run("undo", "--list");
    expect(stdout).toContain("undo setup");
    expect(stdout.split("\n")).toHaveLength(3);
  });

  test("says what a daemon does that has got its config from the command", async () => {
    using home = new ClientHome();
    home.write("cursor", JSON.stringify({ mcpServers: { echo: fixture("echo.ts") } }));
    await home.run("setup", "--yes");
    await using _daemon = await Daemon.start(null, { home });
    const { stdout, stderr, exitCode } = await home.run("undo");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("files")]);
    expect(stderr).toContain("the daemon keeps its servers until 'mcpd stop'");
  });

  test("keeps the secrets that a config names which was edited since", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    await home.run("setup", "--yes");
    await home.run("servers", "remove", "docs");
    const secret = join(home.platform.paths.configDir, "secrets", "db-DB_PASSWORD");
    const undo = await home.run("undo");
    expect([undo.exitCode, existsSync(secret)]).toEqual([75, true]);
    expect(undo.stderr).toContain(`Kept ${secret}`);
    expect(home.contents()).toEqual(before);
    const merge = await home.run("undo", "--merge");
    expect([merge.exitCode, existsSync(secret)]).toEqual([0, false]);
    const { stdout } = await home.run("servers", "--json");
    expect(JSON.parse(stdout).servers.map(({ name }: { name: string }) => name)).toEqual(["mcpd"]);
  });

  test("takes commands back one by one, the last first, and lists them", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    await home.run("connect", "cursor");
    await home.run("connect", "codex");
    const listed = JSON.parse((await home.run("undo", "--list", "--json")).stdout);
    expect(listed.changes.map(({ command }: { command: string }) => command)).toEqual([
      "connect cursor",
      "connect codex",
    ]);
    const dry = await home.run("undo", "--dry-run");
    expect(dry.stdout).toContain(home.file("codex"));
    expect((await home.run("undo", listed.changes[0].id)).exitCode).toBe(0);
    expect(await connectedOf(home)).toEqual(["codex"]);
    expect((await home.run("undo")).exitCode).toBe(0);
    expect(home.contents()).toEqual(before);
    expect((await home.run("undo", "20200101T000000000Z")).exitCode).toBe(66);
  });
});

describe("mcpd connect and disconnect", () => {
  test("change one client and give back every byte, file or none", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    // One for each format; test/clients goes through all of them.
    const some = ["claude-code", "vscode", "codex", "continue", "goose"];
    for (const id of some) {
      const { exitCode, stderr } = await home.run("connect", id, "-q");
      expect([id, exitCode, stderr]).toEqual([id, 0, ""]);
    }
    expect(await connectedOf(home)).toEqual(some);
    for (const id of some) await home.run("disconnect", id);
    expect(home.contents()).toEqual(before);
    using empty = new ClientHome();
    const { stderr: warned } = await empty.run("connect", "junie");
    expect(warned).toContain("JetBrains Junie was not found on this machine");
    expect(await connectedOf(empty)).toEqual(["junie"]);
    expect((await empty.run("disconnect", "junie")).exitCode).toBe(0);
    expect(empty.contents()).toEqual({});
  });

  test("carry the project where they register one, in its own file", async () => {
    using home = new ClientHome();
    const project = home.directory.file("work");
    mkdirSync(project);
    const words = ["claude-code", "--scope", "project", "--project", project];
    expect((await home.run("connect", ...words)).exitCode).toBe(0);
    const { mcpServers } = JSON.parse(readFileSync(join(project, ".mcp.json"), "utf8"));
    expect(mcpServers.mcpd.args).toEqual(["bridge", "--project", project]);
    expect((await home.run("disconnect", "claude-code", "--project", project)).exitCode).toBe(0);
    expect(readdirSync(project)).toEqual([]);
    const never = await home.run("connect", "lm-studio", "--scope", "project");
    expect([never.exitCode, never.stderr]).toEqual([2, expect.stringContaining("LM Studio")]);
  });

  test("register one upstream under its name, if that is free and exists", async () => {
    using home = new ClientHome();
    home.writeConfig({ mcpServers: { memory: { command: "memory" }, docs: { command: "docs" } } });
    home.install();
    const taken = await home.run("connect", "cursor", "--server", "memory");
    expect([taken.exitCode, taken.stderr]).toEqual([73, expect.stringContaining('"memory"')]);
    const unknown = await home.run("connect", "cursor", "--server", "dosc");
    expect([unknown.exitCode, unknown.stderr]).toEqual([66, expect.stringContaining('"docs"?')]);
    expect((await home.run("connect", "cursor", "--server", "docs")).exitCode).toBe(0);
    expect(home.read("cursor")).toContain('"args": ["bridge", "--server", "docs"]');
  });

  test("use HTTP once the daemon is a service, with the key by reference", async () => {
    using home = new ClientHome();
    home.install();
    const { programsDir } = home.platform.paths;
    mkdirSync(programsDir, { recursive: true });
    writeFileSync(join(programsDir, "INSTALL_INFO"), JSON.stringify({ service: "systemd" }));
    await using daemon = await Daemon.start({}, { home });
    await home.run("connect", "claude-code");
    const { mcpServers } = JSON.parse(home.read("claude-code"));
    expect(mcpServers.mcpd).toMatchObject({ type: "http" });
    expect(home.read("claude-code")).not.toContain(daemon.key);
    const helper = Bun.spawnSync([program(), "show-key", "--headers"], { env: { ...home.env } });
    expect(JSON.parse(helper.stdout.toString())).toEqual({ Authorization: `Bearer ${daemon.key}` });
    expect(mcpServers.mcpd.headersHelper).toContain("show-key --headers");
    await home.run("disconnect", "claude-code");
    expect(home.read("claude-code")).toBe(FIXTURES["claude-code"]?.text ?? "");
  });
});

describe("mcpd import", () => {
  test("adds the servers of a client or file once, its secrets in files", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    expect((await home.run("import", "codex")).exitCode).toBe(0);
    const again = await home.run("import", home.file("codex"), "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: [], files: [] });
    expect(home.contents()).toEqual(before);
    const text = readFileSync(home.configFile, "utf8");
    expect(text).toContain('"team.search"');
    const secret = join(home.platform.paths.configDir, "secrets", "db-DB_PASSWORD");
    expect(readFileSync(secret, "utf8")).toBe("hunter2hunter2\n");
    if (home.platform.name !== "windows") expect(statSync(secret).mode & 0o777).toBe(0o600);
    await home.run("undo");
    expect(existsSync(home.configFile)).toBe(false);
  });

  test("reads a client's file by its path as by the client's name, and no registration of ours", async () => {
    using home = new ClientHome();
    const project = home.directory.path;
    const server = { command: "x" };
    const file = home.write(
      "claude-code",
      JSON.stringify({
        mcpServers: { one: server, mcpd: { command: "mcpd", args: ["bridge"] } },
        projects: { [project]: { mcpServers: { two: { command: "y" } } } },
      }),
    );
    const imported = async (source: string): Promise<unknown> =>
      JSON.parse((await home.run("import", source, "--dry-run", "--json")).stdout).imported;
    expect(await imported("claude-code")).toEqual(["one", "two"]);
    expect(await imported(file)).toEqual(["one", "two"]);
  });

  test("names what is wrong with the config that is there, in the words that it has", async () => {
    using home = new ClientHome();
    home.install();
    const before = home.contents();
    mkdirSync(dirname(home.configFile), { recursive: true });
    writeFileSync(home.configFile, '{ "daemon": { "port": 0 } }\n');
    for (const words of [
      ["setup", "--yes"],
      ["import", "codex"],
    ]) {
      const { exitCode, stderr } = await home.run(...words);
      expect(exitCode).toBe(78);
      expect(stderr).toContain('1 | { "daemon": { "port": 0 } }\n');
      expect(stderr).toContain("null lets mcpd choose");
    }
    expect(home.contents()).toEqual(before);
  });

  test("says what is wrong with a source", async () => {
    using home = new ClientHome();
    const cases: readonly (readonly [words: string, code: number, said: string])[] = [
      ["import nothing.json", 74, "there is no such file"],
      ["import address.json", 0, "a-API_KEY"],
      ["import curser", 66, 'Did you mean "cursor"?'],
      ["import bad.json", 65, "line 1"],
      ["import empty.json", 65, "no list of MCP servers"],
    ];
    const url = "https://x.example.com/mcp?api_key=0123456789abcdef";
    writeFileSync(home.directory.file("address.json"), JSON.stringify([{ name: "a", url }]));
    writeFileSync(home.directory.file("bad.json"), "{");
    writeFileSync(home.directory.file("empty.json"), "{}");
    for (const [words, code, said] of cases) {
      const { exitCode, stderr } = await home.run(...words.split(" "));
      expect([words, exitCode]).toEqual([words, code]);
      expect(stderr).toContain(said);
    }
  });
});
