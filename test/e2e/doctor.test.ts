import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { freePort } from "../helpers/port.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { Terminal } from "../helpers/terminal.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { ClientHome } from "./clients.ts";
import { Daemon, type Finished, type Home } from "./harness.ts";

type Report = {
  readonly findings: readonly {
    readonly name: string;
    readonly subject: string;
    readonly severity: string;
    readonly what: string;
    readonly why: string;
    readonly mend: string;
    readonly fix: string | null;
  }[];
  readonly fixed: readonly { readonly name: string; readonly done: boolean }[];
};

function reportOf({ stdout }: Finished): Report {
  return JSON.parse(stdout) as Report;
}

/** What calls for somebody: the rest is worth knowing only. */
function namesOf({ findings }: Report): readonly string[] {
  return findings.filter(({ severity }) => severity !== "info").map(({ name }) => name);
}

/** A Cursor that knows the daemon by this URL. */
function cursor(home: Home, url: string, key: string): string {
  const file = join(home.path, ".cursor", "mcp.json");
  mkdirSync(dirname(file), { recursive: true });
  const headers = { Authorization: `Bearer ${key}` };
  writeFileSync(file, JSON.stringify({ mcpServers: { mcpd: { type: "http", url, headers } } }));
  return file;
}

describe("mcpd doctor", () => {
  test("has nothing to say about a daemon in order", async () => {
    await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") } });
    cursor(daemon.home, daemon.mcpUrl(), daemon.key);
    const { exitCode, stdout } = await daemon.run("doctor");
    expect([exitCode, stdout.match(/^(error|warning):.*/gm)]).toEqual([0, null]);
    const report = reportOf(await daemon.run("doctor", "--json"));
    expect(namesOf(report)).toEqual([]);
    // Neither Cursor, which is connected by hand, nor Claude Desktop, which is not there.
    expect(report.findings.filter(({ name }) => name === "clients.direct")).toEqual([]);
  });

  posixTest("finds every fault that is planted, says why, and how to mend it", async () => {
    const broken = { command: "sh", args: ["-c", "echo no licence >&2; exit 3"] };
    const lost = { command: "no-such-command-of-mcpd" };
    await using daemon = await Daemon.start({ mcpServers: { broken, lost }, servers: {} });
    const { home } = daemon;
    const { paths } = home.platform;
    cursor(home, "http://127.0.0.1:9/mcp", daemon.key);
    chmodSync(home.configFile, 0o644);
    writeFileSync(paths.apiKeyFile, "mcpd_another\n", { mode: 0o600 });
    const half = join(paths.configDir, ".mcpd.config.json.0a1b2c3d.tmp");
    writeFileSync(half, "{", { mode: 0o600 });
    utimesSync(half, 1000, 1000);
    const finished = await home.run("doctor", "--json");
    const report = reportOf(finished);
    expect(finished.exitCode).toBe(1);
    const expected = [
      "client.dead",
      "config.warning",
      "file.rights",
      "key.refused",
      "stale.file",
      "upstream.failed",
      "upstream.not-found",
    ];
    expect(namesOf(report).toSorted()).toEqual(expected);
    for (const { what, why, mend } of report.findings) {
      expect([what, what === "", why === "", mend === ""]).toEqual([what, false, false, false]);
    }
    const said = report.findings.find(({ subject }) => subject === "broken");
    expect(said?.why).toContain("no licence");
    const text = (await home.run("doctor")).stdout;
    expect(text).toContain(`chmod 600 ${home.configFile}`);
    expect(text).toContain("mcpd connect cursor");
    expect(text).not.toContain(daemon.key);
  });

  posixTest("mends what is safe to mend, and no more", async () => {
    using home = new ClientHome();
    const lost = { command: "no-such-command-of-mcpd" };
    home.writeConfig({ daemon: { port: freePort() }, mcpServers: { lost } });
    const { paths } = home.platform;
    chmodSync(home.configFile, 0o644);
    mkdirSync(dirname(paths.runtimeFile), { recursive: true, mode: 0o700 });
    const gone = { pid: 999_999, identity: "x", version: "1", startedAtMs: 0, server: null };
    writeFileSync(paths.runtimeFile, JSON.stringify(gone), { mode: 0o600 });
    const file = cursor(home, "http://127.0.0.1:9/mcp", "mcpd_x");
    const refused = await home.run("doctor", "--fix");
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining("--yes")]);
    try {
      const report = reportOf(await home.run("doctor", "--fix", "--yes", "--json"));
      const done = report.fixed
        .map((one) => [one.name, one.done])
        .toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));
      expect(done).toEqual([
        ["client.dead", true],
        ["daemon.down", true],
        ["file.rights", true],
        ["stale.runtime", true],
      ]);
      expect(namesOf(report)).toEqual(["upstream.not-found"]);
      expect(statSync(home.configFile).mode & 0o777).toBe(0o600);
      expect((await home.run("status")).exitCode).toBe(0);
      const undo = await home.run("undo");
      expect([undo.exitCode, home.read("cursor").includes(":9/mcp")]).toEqual([0, true]);
      expect(existsSync(file)).toBe(true);
    } finally {
      await home.run("stop");
      await waitFor("nobody to be left", () => processesOf(home.path).length === 0);
    }
  });

  linuxTest("ends what it has started when nobody waits any more", async () => {
    using home = new ClientHome();
    const mute = { command: "sh", args: ["-c", "trap '' TERM; while :; do sleep 1; done"] };
    home.writeConfig({ mcpServers: { mute } });
    const child = Bun.spawn([program(), "doctor"], {
      cwd: home.path,
      env: { ...home.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await waitFor("the server to run", () => processesOf(home.path).length > 1);
    child.kill("SIGINT");
    expect(await within("the doctor to end", child.exited)).toBe(130);
    expect(processesOf(home.path)).toEqual([]);
  });

  linuxTest("asks on a terminal before it changes anything", async () => {
    using home = new ClientHome();
    home.writeConfig({});
    chmodSync(home.configFile, 0o644);
    const around = { cwd: home.path, env: home.env };
    await using terminal = new Terminal([program(), "doctor", "--fix"], around);
    await terminal.type("Do this?", "n");
    const { exitCode, screen } = await terminal.end();
    expect([exitCode, screen]).toEqual([1, expect.stringContaining("Nothing was changed")]);
    expect(statSync(home.configFile).mode & 0o777).toBe(0o644);
  });
});
