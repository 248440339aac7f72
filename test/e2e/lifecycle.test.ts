import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { LineClient } from "../helpers/line-client.ts";
import type { McpHttp } from "../helpers/mcp-http.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { fixture, processesOf, program } from "../helpers/program.ts";
import { waitFor } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { conditionOf, settled, statusOf, upstreamOf } from "./status.ts";

const CONFIG = { mcpServers: { echo: fixture("echo.ts") } };

/** True while a process runs; one that nobody has reaped yet does not. */
async function runs(home: Home, pid: number): Promise<boolean> {
  return (await home.platform.processIdentity(pid)) !== null;
}

async function pidOf(client: McpHttp): Promise<number> {
  return JSON.parse(await client.call("stats")).pid;
}

/** The pid that an upstream has printed behind these words. */
async function printedPid(daemon: Daemon, upstream: string, words: string): Promise<number> {
  const text = await waitFor(words, () =>
    new RegExp(`${words} pid=(\\d+)`).exec(daemon.log(`upstream-${upstream}.log`)),
  );
  return Number(text[1]);
}

describe("an upstream that crashes", () => {
  test("comes back by itself, and the condition goes", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    const pid = await pidOf(client);
    process.kill(pid, "SIGKILL");
    const back = await upstreamOf(
      daemon.home,
      "echo",
      (echo) => echo.state === "ready" && echo.pid !== pid,
    );
    expect(back.restarts).toBe(1);
    expect((await statusOf(daemon.home))?.conditions).toEqual([]);
    expect(await pidOf(client)).toBe(back.pid ?? 0);
  });

  test("leaves a call undecided: it is answered as such and never repeated", async () => {
    await using daemon = await Daemon.start(CONFIG);
    const client = await daemon.connect("echo");
    const { response } = await client.request("tools/call", { name: "crash", arguments: {} });
    expect(response.error).toMatchObject({
      message: expect.stringContaining("may or may not have had its effect"),
      data: { fault: "upstream.lost" },
    });
    // The one call that the new process has seen is this one.
    expect(JSON.parse(await client.call("stats"))).toMatchObject({ initializes: 1, calls: 1 });
  });

  posixTest("has its reads repeated on the new process, and its calls not", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await settled(daemon);
    const client = await daemon.connect("echo");
    const pid = await pidOf(client);
    process.kill(pid, "SIGSTOP");
    const read = client.request("resources/read", { uri: "echo://one" });
    const call = client.request("tools/call", { name: "echo", arguments: { text: "once" } });
    await upstreamOf(daemon.home, "echo", ({ inFlight }) => inFlight === 2);
    process.kill(pid, "SIGKILL");
    expect((await call).response.error?.data).toMatchObject({ fault: "upstream.lost" });
    expect((await read).response.result?.["contents"]).toMatchObject([{ text: "echo://one" }]);
    expect(JSON.parse(await client.call("stats")).calls).toBe(1);
  });

  test("stays down when the config says so, until somebody asks", async () => {
    const echo = { ...fixture("echo.ts"), auto_reconnect: false };
    await using daemon = await Daemon.start({ mcpServers: { echo } });
    const client = await daemon.connect("echo");
    process.kill(await pidOf(client), "SIGKILL");
    expect((await conditionOf(daemon.home, "upstream.failed")).text).toContain("SIGKILL");
    expect((await upstreamOf(daemon.home, "echo")).state).toBe("failed");
    expect(await client.call("add", { a: 1, b: 1 })).toBe("2");
    expect((await statusOf(daemon.home))?.conditions).toEqual([]);
  });
});

describe("the end of the daemon", () => {
  posixTest("by SIGTERM leaves nothing, however stubborn", async () => {
    const mcpServers = {
      family: fixture("misbehaver.ts", "--mode=grandchild"),
      stubborn: fixture("misbehaver.ts", "--mode=ignores-term"),
    };
    await using daemon = await Daemon.start({ mcpServers });
    const client = await daemon.connect();
    await client.request("tools/list");
    const pids = [
      await printedPid(daemon, "family", "misbehaver started"),
      await printedPid(daemon, "family", "grandchild"),
      await printedPid(daemon, "stubborn", "misbehaver started"),
    ];
    for (const pid of pids) expect(await runs(daemon.home, pid)).toBe(true);
    expect(await daemon.stop()).toBe(0);
    for (const pid of pids) expect(await runs(daemon.home, pid)).toBe(false);
  });

  test("answers what is in flight before it goes", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await settled(daemon);
    const client = await daemon.connect("echo");
    const call = client.request("tools/call", { name: "never", arguments: {} });
    await upstreamOf(daemon.home, "echo", ({ inFlight }) => inFlight === 1);
    const stopped = daemon.stop();
    const { response } = await call;
    expect(response.error?.message).toContain("he daemon is stopping");
    expect(response.error?.message).toContain("the outcome of the request is unknown");
    expect(await stopped).toBe(0);
  });

  posixTest("is told to who asks on the socket while processes are still being ended", async () => {
    const stubborn = fixture("misbehaver.ts", "--mode=ignores-term");
    await using daemon = await Daemon.start({ mcpServers: { stubborn } });
    const other = await daemon.connect("stubborn");
    await other.call("echo", { text: "up" });
    const { path: cwd, env } = daemon.home;
    await using client = new LineClient([program(), "bridge"], { cwd, env });
    await client.initialize();
    daemon.child.kill("SIGTERM");
    await waitFor("its doors to close", () =>
      other.call("echo", { text: "on" }).then(
        () => false,
        () => true,
      ),
    );
    const answer = await client.request(2, "tools/list");
    expect(answer.error?.message).toContain("he daemon is stopping");
  });

  posixTest("by SIGKILL leaves grandchildren, which the next daemon ends", async () => {
    using home = new Home();
    const mcpServers = { family: fixture("misbehaver.ts", "--mode=grandchild") };
    await using first = await Daemon.start({ mcpServers }, { home });
    const client = await first.connect("family");
    await client.call("echo", { text: "hello" });
    const grandchild = await printedPid(first, "family", "grandchild");
    await first.kill();
    expect(await runs(home, grandchild)).toBe(true);
    await using second = await Daemon.start(CONFIG, { home });
    expect(await runs(home, grandchild)).toBe(false);
    await second.home.logged("an earlier mcpd left behind");
    expect(await (await second.connect("echo")).call("add", { a: 1, b: 1 })).toBe("2");
  });
});

describe("the start of the daemon", () => {
  test("is refused beside another one of the same user, which goes on", async () => {
    await using daemon = await Daemon.start(CONFIG);
    await settled(daemon);
    const log = await daemon.home.logged("listening");
    const second = await daemon.run("serve", "--foreground", "--port", "0");
    expect(second.exitCode).toBe(75);
    expect(daemon.log()).toBe(log);
    expect(second.stderr).toContain("a daemon listens there already");
    const client = await daemon.connect("echo");
    expect(await client.call("add", { a: 1, b: 1 })).toBe("2");
  });

  test("of four at once leaves one, and the others say why", async () => {
    using home = new Home();
    home.writeConfig(CONFIG);
    const daemons = [1, 2, 3, 4].map(() =>
      Bun.spawn([program(), "serve", "--foreground", "--port", "0"], {
        cwd: home.path,
        env: { ...home.env },
        stdio: ["ignore", "ignore", "ignore"],
      }),
    );
    try {
      const ended = (): readonly number[] => daemons.flatMap(({ exitCode }) => exitCode ?? []);
      await waitFor("three to give up", () => ended().length === 3);
      expect(ended()).toEqual([75, 75, 75]);
      const { stdout } = await home.run("call", "echo", "add", "a=1", "b=2");
      expect(stdout.trim()).toBe("3");
    } finally {
      for (const daemon of daemons) daemon.kill("SIGTERM");
    }
    await Promise.all(daemons.map(({ exited }) => exited));
  });

  if (process.getuid?.() === 0) {
    test("is refused to root", async () => {
      using home = new Home({ MCPD_ALLOW_ROOT: "" });
      const { exitCode, stderr } = await home.run("serve", "--foreground", "--port", "0");
      expect(exitCode).toBe(77);
      expect(stderr).toContain("root");
      expect(processesOf(home.path)).toEqual([]);
    });

    test("leaves no file of root's in a home that sudo has kept", async () => {
      using home = new Home({ MCPD_ALLOW_ROOT: "" });
      for (const line of ["start", "stop", "restart", "daemon start"]) {
        const { exitCode, stderr } = await home.run(...line.split(" "));
        expect([line, exitCode, stderr]).toEqual([line, 77, expect.stringContaining("as root")]);
        expect([line, readdirSync(home.path)]).toEqual([line, ["run"]]);
      }
    });
  }

  test("takes a port that is derived from the user's name, the same each time", async () => {
    const ports: (number | null)[] = [];
    for (const config of [{}, { daemon: { port: null } }]) {
      using home = new Home();
      home.writeConfig(config);
      const daemon = Bun.spawn([program(), "serve", "--foreground"], {
        cwd: home.path,
        env: { ...home.env },
        stdio: ["ignore", "ignore", "ignore"],
      });
      // Somebody may have the port already: then the condition names it.
      const port = await waitFor("the port", async () => {
        const status = await statusOf(home);
        const said = status?.urls?.mcp ?? status?.conditions.map(({ text }) => text).join();
        return /127\.0\.0\.1:(\d+)/.exec(said ?? "")?.[1];
      }).finally(() => daemon.kill("SIGTERM"));
      expect(await daemon.exited).toBe(0);
      ports.push(Number(port));
    }
    expect(ports[0]).toBeWithin(8321, 8421);
    expect(ports[1]).toBe(ports[0] ?? 0);
  });

  test("writes a config that explains itself when there is none", async () => {
    await using daemon = await Daemon.start(null);
    expect(readFileSync(daemon.home.configFile, "utf8")).toContain("// Your MCP servers");
    const { exitCode, stderr } = await daemon.run("config", "validate");
    expect([exitCode, stderr]).toEqual([0, ""]);
  });
});

describe("what belongs to the user alone", () => {
  posixTest("is 0600 in 0700, each file, socket and directory", async () => {
    await using daemon = await Daemon.start(null);
    await daemon.home.logged("listening");
    daemon.home.writeConfig(CONFIG);
    await daemon.run("call", "echo", "echo", "text=hello");
    // Beside what is mcpd's own, the Bun that runs the fixture keeps a cache here.
    const own = pathsUnder(daemon.home.path).filter((path) => /[/.]mcpd/.test(path.slice(10)));
    const open = own.filter((path) => (statSync(path).mode & 0o077) !== 0);
    expect(own.length).toBeGreaterThan(8);
    expect(open).toEqual([]);
    const { paths } = daemon.home.platform;
    for (const path of [paths.apiKeyFile, paths.ledgerFile, paths.configFile]) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(statSync(paths.controlAddress).mode & 0o777).toBe(0o600);
    expect(statSync(paths.logsDir).mode & 0o777).toBe(0o700);
  });

  linuxTest(
    "is told to nobody: no secret in logs, status, config show or command lines",
    async () => {
      const env = { DEEP_SECRET: "from-the-environment-7f3a" };
      const literal = "written-in-the-file-9b1c";
      const echo = {
        ...fixture("echo.ts"),
        env: { API_TOKEN: literal, OTHER: { env: "DEEP_SECRET" }, THIRD: "${DEEP_SECRET}" },
      };
      const config = { daemon: { log_level: "DEBUG" }, mcpServers: { echo } };
      await using daemon = await Daemon.start(config, { env });
      const { key } = daemon;
      const client = await daemon.connect("echo");
      await client.call("echo", { text: "hello" });
      await fetch(`${daemon.origin}/nowhere?api_key=${key}`);
      await fetch(`${daemon.origin}/mcp?api_key=${key}`, { method: "PUT" });
      const said: { [name: string]: string } = {
        log: daemon.log(),
        own: daemon.log("upstream-echo.log"),
      };
      for (const words of [
        "status",
        "status --json",
        "servers --json",
        "config show",
        "tools --json",
      ]) {
        said[words] = (await daemon.run(...words.split(" "))).stdout;
      }
      said["health"] = JSON.stringify(await daemon.health());
      for (const pid of processesOf(daemon.home.path)) {
        said[`cmdline of ${pid}`] = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      }
      expect(Object.keys(said).filter((name) => name.startsWith("cmdline"))).toHaveLength(2);
      for (const secret of [key, env.DEEP_SECRET, literal]) {
        const leaks = Object.entries(said).filter(([, text]) => text.includes(secret));
        expect(leaks.map(([name]) => name)).toEqual([]);
      }
      await daemon.stop();
      expect(await daemon.stderr()).not.toContain(key);
    },
  );
});

/** Every file, socket and directory below a directory. */
function pathsUnder(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...pathsUnder(path)] : [path];
  });
}
