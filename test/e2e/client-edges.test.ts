import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import { FIXTURES } from "../clients/fixtures.ts";
import { LineClient } from "../helpers/line-client.ts";
import { posixTest } from "../helpers/posix.ts";
import { fixture, program } from "../helpers/program.ts";
import { ClientHome } from "./clients.ts";
import { Daemon } from "./harness.ts";

const WRITER = join(import.meta.dir, "..", "fixtures", "process", "config-writer.ts");

/** Two projects of Claude Code with servers of their own, one that is gone, one without. */
function claudeFile(home: ClientHome): {
  readonly text: string;
  readonly work: string;
  readonly other: string;
} {
  const [work, other] = [home.directory.file("work"), home.directory.file("other")];
  for (const directory of [work, other]) mkdirSync(directory);
  const lint = fixture("echo.ts", "--root", ".");
  const text = `{
  "mcpServers": { "notes": { "command": "notes-mcp" } },
  "projects": {
    ${JSON.stringify(work)}: {
      "allowedTools": [ ],
      "mcpServers": { "lint": ${JSON.stringify(lint)},
        "hub": {"type": "http", "url": "https://hub.example/mcp?api_key=s3cret-s3cret"} }, "history": [1,2]
    },
    ${JSON.stringify(other)}: { "mcpServers": { "lint": ${JSON.stringify(lint)} } },
    "/gone/away": { "mcpServers": { "old": { "command": "old" } } },
    ${JSON.stringify(home.path)}: { "mcpServers": {} }
  }
}`;
  home.write("claude-code", text);
  return { text, work, other };
}

describe("servers that Claude Code keeps for one project in the file of the user", () => {
  test("move with their project, are shared as one, and come back to the byte", async () => {
    using home = new ClientHome();
    const { text, work, other } = claudeFile(home);
    const setup = await home.run("setup", "--yes");
    expect([setup.exitCode, setup.stdout]).toEqual([0, expect.stringContaining(`for ${work}`)]);
    const { mcpServers, projects } = JSON.parse(home.read("claude-code"));
    expect(Object.keys(mcpServers)).toEqual(["mcpd"]);
    for (const project of [work, other]) {
      expect(Object.keys(projects[project].mcpServers)).toEqual(["mcpd"]);
      expect(projects[project].mcpServers.mcpd.args).toEqual(["bridge", "--project", project]);
    }
    expect(projects[work]).toMatchObject({ allowedTools: [], history: [1, 2] });
    expect(projects["/gone/away"].mcpServers).toEqual({ old: { command: "old" } });
    expect(projects[home.path].mcpServers).toEqual({});
    const config = readFileSync(home.configFile, "utf8");
    expect(config.match(/"scope": "project"/g)).toHaveLength(1);
    expect(config + home.read("claude-code") + setup.stdout + setup.stderr).not.toContain("s3cret");
    expect((await home.run("setup", "--yes")).stdout).toContain("Nothing is to be changed");
    expect((await home.run("undo")).exitCode).toBe(0);
    expect(home.read("claude-code")).toBe(text);
  });

  test("run in their project for the entry that took their place", async () => {
    using home = new ClientHome();
    const { work } = claudeFile(home);
    await home.run("setup", "--yes");
    const { projects } = JSON.parse(home.read("claude-code"));
    const { command, args } = projects[work].mcpServers.mcpd;
    await using daemon = await Daemon.start(null, { home });
    await using client = new LineClient([command, ...args], { cwd: home.path, env: home.env });
    await client.initialize();
    expect(await client.call(1, "add", { a: 40, b: 2 })).toContain("42");
    const { stdout } = await daemon.run("status", "--json");
    expect(stdout).toContain(work);
    expect(await client.end()).toBe(0);
  });

  test("are listed, imported, checked and disconnected like all others", async () => {
    using home = new ClientHome();
    const { text, work } = claudeFile(home);
    const listed = await home.run("clients");
    expect(listed.stdout).toContain(`for ${work}`);
    const imported = await home.run("import", "claude-code", "--json");
    expect(JSON.parse(imported.stdout).imported).toEqual(["notes", "lint", "hub"]);
    await home.run("undo");
    await home.run("setup", "--yes");
    const { stdout } = await home.run("doctor", "--json");
    expect(stdout).not.toContain("client.project");
    await home.run("disconnect", "claude-code", "--project", work);
    const { mcpServers, projects } = JSON.parse(home.read("claude-code"));
    expect([mcpServers, projects[work].mcpServers]).toEqual([{}, {}]);
    expect((await home.run("undo")).exitCode).toBe(0);
    expect((await home.run("undo")).exitCode).toBe(0);
    expect(home.read("claude-code")).toBe(text);
  });

  test("come back one by one where the client has written since", async () => {
    using home = new ClientHome();
    const { text, work } = claudeFile(home);
    await home.run("setup", "--yes");
    home.write("claude-code", home.read("claude-code").replace("[1,2]", "[1,2,3]"));
    expect((await home.run("undo")).exitCode).toBe(75);
    const undo = await home.run("undo", "--merge");
    expect([undo.exitCode, undo.stderr]).toEqual([0, expect.stringContaining("Put the servers")]);
    const wanted = JSON.parse(text);
    wanted.projects[work].history.push(3);
    expect(JSON.parse(home.read("claude-code"))).toEqual(wanted);
  });
});

/** Runs setup while Claude Code writes its config every so often; how often it has. */
async function setupAgainst(home: ClientHome, pauseMs: number) {
  const argv = [process.execPath, "run", WRITER, home.file("claude-code"), String(pauseMs)];
  const writer = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const reader = writer.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const setup = await home.run("setup", "--yes");
  await writer.stdin.end();
  const rounds = Number((await reader.read()).value);
  await writer.exited;
  return { setup, rounds };
}

describe("a client that writes its config at the same moment", () => {
  test("is set up, loses nothing of what it wrote, and gets that back, too", async () => {
    using home = new ClientHome();
    home.install();
    const { setup, rounds } = await setupAgainst(home, 40);
    expect([setup.exitCode, setup.stderr]).toEqual([0, expect.not.stringContaining("meanwhile")]);
    const { mcpServers, numStartups } = JSON.parse(home.read("claude-code"));
    expect([Object.keys(mcpServers), numStartups]).toEqual([["mcpd"], 41 + rounds]);
    const undo = await home.run("undo", "--merge");
    expect(undo.exitCode).toBe(0);
    const before = JSON.parse(FIXTURES["claude-code"]?.text ?? "");
    expect(JSON.parse(home.read("claude-code"))).toEqual({ ...before, numStartups });
  });

  test("is left out and named when it never rests, and keeps its servers", async () => {
    using home = new ClientHome();
    home.install();
    const file = home.file("claude-code");
    const { setup } = await setupAgainst(home, 0);
    expect([0, 75]).toContain(setup.exitCode);
    if (setup.exitCode === 75) expect(setup.stderr).toContain(file);
    const { mcpServers } = JSON.parse(home.read("claude-code"));
    const kept = "mcpd" in mcpServers ? ["mcpd"] : ["memory", "github"];
    expect(Object.keys(mcpServers)).toEqual(kept);
    expect(readdirSync(home.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(readFileSync(home.configFile, "utf8")).toContain("api.githubcopilot.com");
  });
});

describe("mcpd setup", () => {
  test("leaves a server that cannot be shared where it is, with a reason, and moves the rest", async () => {
    using home = new ClientHome();
    const servers = {
      good: { command: "good-mcp" },
      constructor: { command: "odd-name" },
      address: { url: "not a url" },
      header: { url: "https://x.example", headers: { "a b": "x" } },
      variable: { command: "x", env: { "A=B": "1" } },
      nested: { command: "x", args: [{}] },
      relative: { command: "./server.sh" },
      editor: { command: "x", args: ["${fileDirname}"] },
    };
    const text = JSON.stringify({ mcpServers: servers }, null, 4);
    home.write("cursor", text);
    const { exitCode, stderr } = await home.run("setup", "--yes", "cursor", "cursor");
    expect(exitCode).toBe(0);
    expect(stderr).toContain('"address" stays in Cursor: mcpd cannot run it: url: "not a url"');
    expect(stderr).toContain('"relative" stays in Cursor: it has a path that depends on');
    expect(stderr).toContain('"constructor" of cursor is called "constructor-cursor" in mcpd');
    const { mcpServers } = JSON.parse(home.read("cursor"));
    const stay = Object.keys(servers).filter((name) => !["good", "constructor"].includes(name));
    expect(Object.keys(mcpServers)).toEqual([...stay, "mcpd"]);
    const listed = JSON.parse((await home.run("servers", "--json")).stdout).servers;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual([
      "mcpd",
      "good",
      "constructor-cursor",
    ]);
    await home.run("undo");
    expect(home.read("cursor")).toBe(text);
  });

  test("leaves what the client lists as switched off", async () => {
    using home = new ClientHome();
    const mcpServers = { on: { command: "on" }, off: { command: "off" } };
    home.write("gemini-cli", JSON.stringify({ mcp: { excluded: ["off"] }, mcpServers }));
    const project = home.directory.file("work");
    mkdirSync(project);
    const entry = { disabledMcpServers: ["off"], mcpServers };
    home.write("claude-code", JSON.stringify({ projects: { [project]: entry } }));
    const { stderr } = await home.run("setup", "--yes");
    expect(stderr).toContain('"off" stays in Gemini CLI: it is switched off there');
    expect(stderr).toContain('"off" stays in Claude Code: it is switched off there');
    const { projects } = JSON.parse(home.read("claude-code"));
    expect(Object.keys(projects[project].mcpServers)).toEqual(["off", "mcpd"]);
    expect(Object.keys(JSON.parse(home.read("gemini-cli")).mcpServers)).toEqual(["off", "mcpd"]);
  });

  test("says that the client will not start mcpd, where its lists are against it", async () => {
    using home = new ClientHome();
    const warning = (why: string): string =>
      `Gemini CLI will not start "mcpd": ${why} (${home.file("gemini-cli")})`;
    const mcpServers = { mine: { command: "mine" }, other: { command: "other" } };
    home.write("gemini-cli", JSON.stringify({ mcp: { allowed: ["mine"] }, mcpServers }));
    const { stdout, stderr } = await home.run("setup", "--yes");
    expect(stdout).toContain("1 server\n");
    expect(stderr).toContain('"other" stays in Gemini CLI: it is switched off there');
    expect(stderr).toContain(warning("mcp.allowed does not list it"));
    const doctor = await home.run("doctor", "--json");
    const { findings } = JSON.parse(doctor.stdout);
    expect(findings).toContainEqual(
      expect.objectContaining({ name: "client.off", why: "mcp.allowed does not list it" }),
    );

    home.write("gemini-cli", JSON.stringify({ mcp: { excluded: ["mcpd"] } }));
    const connected = await home.run("connect", "gemini-cli");
    expect(connected.stderr).toContain(warning("mcp.excluded lists it"));
    home.write("gemini-cli", JSON.stringify({ mcp: { allowed: ["mcpd"], excluded: [] } }));
    expect((await home.run("connect", "gemini-cli")).stderr).not.toContain("will not start");
  });

  test("starts what a project registers by a relative path in that project", async () => {
    using home = new ClientHome();
    const project = home.directory.file("work");
    mkdirSync(project);
    const lint = { command: "./bin/lint", args: ["."], cwd: "sub" };
    home.write(
      "claude-code",
      JSON.stringify({ projects: { [project]: { mcpServers: { lint } } } }),
    );
    expect((await home.run("setup", "--yes")).exitCode).toBe(0);
    const config = readFileSync(home.configFile, "utf8");
    expect(config).toContain('"command": "{project}/bin/lint"');
    expect(config).toContain('"cwd": "{project}/sub"');
  });

  posixTest("writes a file once that two clients share by links, and puts it back", async () => {
    using home = new ClientHome();
    const real = home.directory.file("dotfiles.json");
    const text = '{"mcpServers":{"a":{"command":"x","env":{"API_KEY":"abcdefgh1"}}}}';
    writeFileSync(real, text);
    for (const id of ["cursor", "windsurf"]) {
      mkdirSync(dirname(home.file(id)), { recursive: true });
      symlinkSync(relative(dirname(home.file(id)), real), home.file(id));
    }
    expect((await home.run("setup", "--yes")).exitCode).toBe(0);
    expect(Object.keys(JSON.parse(readFileSync(real, "utf8")).mcpServers)).toEqual(["mcpd"]);
    expect((await home.run("undo")).exitCode).toBe(0);
    expect(readFileSync(real, "utf8")).toBe(text);
  });

  test("writes into a list that is null", async () => {
    using home = new ClientHome();
    const text = '{ "mcpServers": null, "x": 1 }';
    home.write("cursor", text);
    expect((await home.run("setup", "--yes")).exitCode).toBe(0);
    expect(JSON.parse(home.read("cursor"))).toMatchObject({ mcpServers: { mcpd: {} }, x: 1 });
    await home.run("undo");
    expect(home.read("cursor")).toBe(text);
  });
});

describe("a mcpd that is switched off", () => {
  test.each([
    [0, ["import codex", "connect cursor", "connect cursor", "setup --dry-run", "setup --yes"]],
    [0, ["servers", "servers add x -- true"]],
    [69, ["status", "health", "cache"]],
  ] as const)(
    "is named as such, with the command that switches it on (%d)",
    async (code, lines) => {
      using home = new ClientHome();
      home.install();
      home.writeConfig({ daemon: { enabled: false } });
      for (const line of lines) {
        const { exitCode, stderr } = await home.run(...line.split(" "));
        expect([line, exitCode]).toEqual([line, code]);
        expect(stderr).toContain("mcpd is switched off");
        expect(stderr).toContain("Run 'mcpd start'");
      }
    },
  );

  posixTest("is named as such by one that runs in a terminal", async () => {
    using home = new ClientHome();
    home.writeConfig({ daemon: { enabled: false } });
    await using child = Bun.spawn([program(), "serve", "--port", "0"], {
      cwd: home.path,
      env: { ...home.env },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 5_000,
    });
    let said = "";
    for await (const chunk of child.stderr) {
      said += Buffer.from(chunk).toString();
      if (said.includes("Run 'mcpd start'")) child.kill();
    }
    expect(said).toContain("warning: mcpd is switched off");
    expect(await child.exited).toBe(0);
  });
});
