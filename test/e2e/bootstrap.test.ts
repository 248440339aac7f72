import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { McpHttp } from "../helpers/mcp-http.ts";
import { freePort } from "../helpers/port.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { fixture, isAlive, processesOf, program } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon, Home } from "./harness.ts";
import { conditionOf, upstreamOf } from "./status.ts";
import { nobodyIn, Supervised } from "./supervised.ts";

/** Its port is nobody's: tests run beside each other. */
function config(daemon: object = {}, mcpServers: object = {}): object {
  return { daemon: { port: freePort(), ...daemon }, mcpServers };
}

const DATAGRAMS = join(import.meta.dir, "../fixtures/process/datagrams.ts");
const DISABLED = "the server is disabled";

describe("mcpd bootstrap", () => {
  posixTest("has a killed server back in a moment, with what it serves", async () => {
    const echo = fixture("echo.ts");
    await using it = await Supervised.start(config({}, { echo }));
    const pid = await it.serverPid();
    const killedMs = performance.now();
    process.kill(pid, "SIGKILL");
    const { server } = await it.until(
      (now) => now.server.restarts === 1 && now.server.state === "ready",
    );
    expect(performance.now() - killedMs).toBeLessThan(2_000);
    expect(server.pid).not.toBe(pid);
    expect(server.lastExit).toBe("killed by SIGKILL");
    const { stdout } = await it.home.run("call", "echo", "add", "a=40", "b=2");
    expect(stdout.trim()).toBe("42");
    expect(it.home.log("bootstrap.log")).toContain("server: ended, killed by SIGKILL");
  });

  posixTest("ends a server that hangs and starts another", async () => {
    await using it = await Supervised.start(config({ health_check_interval: 0.1 }));
    const pid = await it.serverPid();
    process.kill(pid, "SIGSTOP");
    const { server } = await it.until(
      (now) => now.server.pid !== pid && now.server.state === "ready",
    );
    expect(server.lastExit).toContain("it hung");
    expect(it.home.log("bootstrap.log")).toContain("server: killed, it hung");
  });

  posixTest("answers for a server that hangs", async () => {
    await using it = await Supervised.start(config({}));
    const pid = await it.serverPid();
    process.kill(pid, "SIGSTOP");
    const { exitCode, stdout } = await it.home.run("status");
    expect([exitCode, stdout]).toEqual([69, expect.stringContaining("has not answered")]);
    expect(stdout).toContain("mcpd daemon logs");
    process.kill(pid, "SIGCONT");
  });

  linuxTest("takes its server with it, whatever ends it", async () => {
    const echo = fixture("echo.ts");
    await using it = await Supervised.start(config({}, { echo }));
    await it.home.run("call", "echo", "add", "a=1", "b=2");
    expect(processesOf(it.home.path)).toHaveLength(3);
    it.child.kill("SIGKILL");
    await it.child.exited;
    await nobodyIn(it.home);
    // What it left lying about does not stop the next one.
    expect(existsSync(it.home.platform.paths.runtimeFile)).toBe(true);
    await using next = await Supervised.start(null, { home: it.home });
    expect(await next.stop()).toBe(0);
    expect(existsSync(it.home.platform.paths.runtimeFile)).toBe(false);
  });

  posixTest(
    "answers while the server can only crash, and heals when it can run again",
    async () => {
      using home = new Home();
      home.writeConfig(config());
      // The server cannot make its socket there.
      const { controlAddress } = home.platform.paths;
      mkdirSync(controlAddress, { recursive: true });
      await using it = await Supervised.start(null, { home, early: true });
      await it.until(({ server }) => server.restarts >= 2);
      const { exitCode, stdout } = await home.run("status");
      expect([exitCode, stdout]).toEqual([69, expect.stringContaining("is not a socket")]);
      const started = await home.run("start");
      expect([started.exitCode, started.stderr]).toEqual([
        74,
        expect.stringContaining("not a socket"),
      ]);
      rmSync(controlAddress, { recursive: true });
      const { server, conditions } = await it.until((now) => now.server.state === "ready");
      expect(server.restarts).toBeGreaterThan(1);
      // It has not run for long.
      expect(conditions).toMatchObject([{ name: "server.crashing", severity: "warning" }]);
      const healed = await home.run("status");
      expect([healed.exitCode, healed.stdout]).toEqual([0, expect.stringContaining("in a row")]);
    },
  );

  test("stops and starts the server as the config says, and tells which", async () => {
    await using it = await Supervised.start(config());
    const pid = await it.serverPid();
    it.home.writeConfig(config({ enabled: false }));
    await it.until(({ server }) => server.state === "disabled");
    expect(isAlive(pid)).toBe(false);
    const off = await it.home.run("status");
    expect([off.exitCode, off.stdout]).toEqual([0, expect.stringContaining(DISABLED)]);
    it.home.writeConfig(config({ enabled: true }));
    expect(await it.serverPid()).not.toBe(pid);
    const json = JSON.parse((await it.home.run("status", "--json")).stdout);
    expect(json.conditions).toEqual([]);
  });

  test("hands changes of the config to the server, which goes on", async () => {
    await using it = await Supervised.start(config());
    const pid = await it.serverPid();
    it.home.writeConfig(config({}, { echo: fixture("echo.ts") }));
    await upstreamOf(it.home, "echo", ({ state }) => state === "ready");
    expect(await it.serverPid()).toBe(pid);
  });

  test("goes on with the last good config when the file is wrong or gone", async () => {
    await using it = await Supervised.start(config());
    const pid = await it.serverPid();
    it.home.writeConfig('{ "daemon": { "enabled": false, } "x" }');
    expect((await conditionOf(it.home, "config.invalid")).text).toContain(":1:");
    rmSync(it.home.configFile);
    const { conditions } = await it.until(
      ({ conditions: [first] }) => first?.text.includes("no such file") === true,
    );
    expect(conditions[0]?.text).toContain("the last good config stays in force");
    expect(await it.serverPid()).toBe(pid);
    // Also a server that has to start now.
    await it.home.run("restart");
    expect(await it.serverPid()).not.toBe(pid);
    expect(existsSync(it.home.configFile)).toBe(false);
  });

  test("starts with the defaults when the first config is wrong, and makes one where there is none", async () => {
    await using wrong = await Supervised.start('{ "mcpServers": [] }');
    await conditionOf(wrong.home, "config.invalid");
    await wrong.stop();
    using home = new Home();
    await using none = await Supervised.start(null, { home });
    expect(readFileSync(home.configFile, "utf8")).toContain('"mcpServers": {}');
    expect(await none.stop()).toBe(0);
  });

  test("is ready while another program has the port, and listens once it is free", async () => {
    const port = freePort();
    const other = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("other") });
    try {
      await using it = await Supervised.start(config({ port, health_check_interval: 0.1 }));
      expect((await it.status())?.server.urls).toBeNull();
      await conditionOf(it.home, "port.in-use");
      await other.stop(true);
      const { server } = await it.until((now) => now.server.urls !== null);
      expect(server.urls?.mcp).toContain(String(port));
      expect(server.restarts).toBe(0);
    } finally {
      await other.stop(true);
    }
  });

  posixTest(
    "has its logs again when their directory is removed, without a word to log",
    async () => {
      await using it = await Supervised.start(config());
      await it.home.logged("listening");
      rmSync(it.home.platform.paths.logsDir, { recursive: true });
      for (const words of [["logs"], ["daemon", "logs"]]) {
        const { stdout } = await waitFor(`mcpd ${words.join(" ")}`, async () => {
          const shown = await it.home.run(...words);
          return shown.exitCode === 0 && shown.stdout !== "" && shown;
        });
        expect(stdout).toContain("the log file was removed: this is a new one");
      }
      await it.home.run("restart");
      await it.serverPid();
      expect(it.home.log("bootstrap.log")).toContain("server: ready");
      await it.home.logged("listening");
    },
  );

  test("is alone: a second one ends with 75 and says who runs", async () => {
    await using it = await Supervised.start(config());
    const second = await it.home.run("bootstrap");
    expect(second.exitCode).toBe(75);
    expect(second.stderr).toContain(`runs already (pid ${it.child.pid}, version `);
    expect((await it.status())?.server.state).toBe("ready");
  });

  posixTest("heals what others left: a dead socket, a runtime file of somebody else", async () => {
    using home = new Home();
    const { bootstrapAddress, runtimeFile } = home.platform.paths;
    mkdirSync(dirname(bootstrapAddress), { recursive: true, mode: 0o700 });
    mkdirSync(dirname(runtimeFile), { recursive: true, mode: 0o700 });
    const dead = Bun.spawn(
      [
        process.execPath,
        "-e",
        `Bun.listen({ unix: ${JSON.stringify(bootstrapAddress)}, socket: { data() {} } })`,
      ],
      { cwd: home.path },
    );
    await waitFor("the socket", () => existsSync(bootstrapAddress));
    dead.kill("SIGKILL");
    await dead.exited;
    // The pid is ours: 'mcpd stop' must not believe it.
    writeFileSync(
      runtimeFile,
      JSON.stringify({ pid: process.pid, identity: "another", version: "0" }),
    );
    expect((await home.run("stop")).stdout).toContain("is not running");
    await using it = await Supervised.start(config(), { home });
    const runtime = JSON.parse(readFileSync(runtimeFile, "utf8"));
    expect(runtime).toMatchObject({ pid: it.child.pid, server: { pid: await it.serverPid() } });
    expect(statSync(runtimeFile).mode & 0o777).toBe(0o600);
  });

  test("answers a call in flight before the server goes, and exits with 0", async () => {
    await using it = await Supervised.start(config({}, { echo: fixture("echo.ts") }));
    const urls = (await it.status())?.server.urls;
    const client = new McpHttp({ url: `${urls?.mcp}/echo`, key: it.key });
    await client.initialize();
    const call = client.request("tools/call", { name: "never", arguments: {} });
    await upstreamOf(it.home, "echo", ({ inFlight }) => inFlight === 1);
    const stopped = it.stop();
    expect((await call).response.error?.message).toContain("he daemon is stopping");
    expect(await stopped).toBe(0);
  });

  test("waits for a daemon in a terminal to end, and says so", async () => {
    await using daemon = await Daemon.start({});
    await using it = await Supervised.start(null, { home: daemon.home, early: true });
    const { conditions } = await it.until(({ server }) => server.restarts >= 1);
    expect(conditions.map(({ name }) => name)).toContain("daemon.running");
    daemon.child.kill("SIGTERM");
    await daemon.child.exited;
    await it.serverPid();
  });

  linuxTest("tells systemd that it supervises, how it is, and that it lives", async () => {
    using home = new Home();
    const address = join(home.path, "notify");
    const receiver = Bun.spawn([process.execPath, "run", DATAGRAMS, address], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await waitFor("the socket", () => existsSync(address));
      // Off, and yet ready: what is asked for is supervised.
      home.writeConfig(config({ enabled: false }));
      const env = { NOTIFY_SOCKET: address, WATCHDOG_USEC: "50000" };
      await using it = await Supervised.start(null, { home, env, early: true });
      const heard = await lines(receiver.stdout, (seen) => seen.includes("WATCHDOG=1"));
      expect(heard).toContain("READY=1");
      expect(heard).toContain("STATUS=server disabled");
      expect(await it.stop()).toBe(0);
    } finally {
      receiver.kill();
      await receiver.exited;
    }
  });

  posixTest(
    "waits as a service for a config that is not there, and takes it when it comes",
    async () => {
      using home = new Home();
      const path = join(home.path, "mine.json");
      const alone = await home.run("bootstrap", "--config", path);
      expect([alone.exitCode, alone.stderr]).toEqual([78, expect.stringContaining("mine.json")]);
      await using it = await Supervised.start(null, {
        home,
        early: true,
        words: ["--service", "--config", path],
      });
      const waiting = await it.until(({ conditions }) => conditions.length > 0);
      expect(waiting.conditions).toMatchObject([
        {
          name: "config.invalid",
          subject: path,
          severity: "error",
          text: `Cannot read the config ${path}: there is no such file; the defaults are in force`,
        },
      ]);
      expect(existsSync(path)).toBe(false);
      const port = freePort();
      writeFileSync(path, JSON.stringify({ daemon: { port } }));
      await it.until(
        ({ conditions, server }) =>
          conditions.length === 0 && server.urls?.mcp === `http://127.0.0.1:${port}/mcp`,
      );
      // The last good one serves when the file goes again.
      rmSync(path);
      const kept = await it.until(({ conditions }) => conditions.length > 0);
      expect(kept.conditions[0]?.text).toContain("the last good config stays in force");
      expect(kept.server).toMatchObject({ state: "ready", restarts: 0 });
      expect(await it.stop()).toBe(0);
      await using again = await Supervised.start(null, {
        home,
        words: ["--service", "--config", path],
      });
      expect((await again.until(({ server }) => server.urls !== null)).server.urls?.mcp).toBe(
        `http://127.0.0.1:${port}/mcp`,
      );
    },
  );

  test("is the only one who can start a supervised server", async () => {
    using home = new Home();
    const { exitCode, stderr } = await home.run("serve", "--supervised");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("mcpd bootstrap")]);
    expect((await home.run("help", "serve")).stdout).not.toContain("--supervised");
  });
});

/** Reads lines until there are enough. */
async function lines(
  output: ReadableStream<Uint8Array>,
  enough: (seen: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const decoder = new TextDecoder();
  const reader = output.getReader();
  let said = "";
  for (;;) {
    const { value, done } = await within("more lines", reader.read());
    said += decoder.decode(value, { stream: true });
    const seen = said.split("\n");
    if (done || enough(seen)) return seen;
  }
}

describe("mcpd start, stop and restart without a service manager", () => {
  posixTest("start it in the background, and end it so that nothing is left", async () => {
    using home = new Home();
    home.writeConfig(`{
  // Mine.
  "daemon": { "enabled": false, "port": ${freePort()} }
}`);
    const started = await home.run("start");
    expect([started.exitCode, started.stderr]).toEqual([0, ""]);
    expect(started.stdout).toContain("mcpd is running (pid ");
    expect(readFileSync(home.configFile, "utf8")).toContain("// Mine.");
    const { stdout } = await home.run("start", "--json");
    const again = JSON.parse(stdout);
    expect(again).toMatchObject({ started: false, supervised: true });
    const restarted = JSON.parse((await home.run("restart", "--json")).stdout);
    expect(restarted.bootstrap).toBe(again.bootstrap);
    expect(restarted.pid).not.toBe(again.pid);
    const stopped = await home.run("stop");
    expect([stopped.exitCode, stopped.stdout]).toEqual([0, "mcpd is stopped\n"]);
    await nobodyIn(home);
    expect(readFileSync(home.configFile, "utf8")).toContain('"enabled": false');
    expect(existsSync(home.platform.paths.bootstrapAddress)).toBe(false);
    expect((await home.run("stop", "--json")).stdout).toContain('"stopped": false');
    expect((await home.run("status")).exitCode).toBe(69);
  });

  posixTest("start --port moves it, also while it runs, and says where to", async () => {
    using home = new Home();
    const [first, second] = [freePort(), freePort()];
    home.writeConfig(`{
  // Mine.
  "daemon": { "port": ${freePort()} }
}`);
    for (const port of [first, second]) {
      const { exitCode, stdout, stderr } = await home.run("start", "--port", String(port));
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`127.0.0.1:${port}/mcp`)]);
      expect(stderr).toContain(`daemon.port is ${port} now (${home.configFile})`);
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    }
    const written = readFileSync(home.configFile, "utf8");
    expect(written).toContain("// Mine.");
    expect(written).toContain(`"port": ${second}`);
    expect((await home.run("start", "--port", String(second))).stderr).toBe("");
    expect((await home.run("start", "--port", "80")).exitCode).toBe(2);
    expect((await home.run("stop")).exitCode).toBe(0);
    await nobodyIn(home);
  });

  test("say what is wrong: a config that is not valid, another one, no such time", async () => {
    using home = new Home();
    home.writeConfig("{");
    expect((await home.run("start")).exitCode).toBe(78);
    expect((await home.run("stop", "--timeout", "soon")).exitCode).toBe(2);
    await using it = await Supervised.start(config());
    const other = join(it.home.path, "other.json");
    writeFileSync(other, "{}");
    for (const word of ["start", "stop", "restart"]) {
      const { exitCode, stderr } = await it.home.run(word, "--config", other);
      expect([word, exitCode]).toEqual([word, 75]);
      expect(stderr).toContain("another config");
    }
  });

  posixTest("name the file that is in the place of a socket, and leave it alone", async () => {
    using home = new Home();
    const { bootstrapAddress } = home.platform.paths;
    mkdirSync(dirname(bootstrapAddress), { recursive: true, mode: 0o700 });
    writeFileSync(bootstrapAddress, "mine");
    const { exitCode, stderr } = await home.run("start");
    expect([exitCode, stderr]).toEqual([74, expect.stringContaining("it is not a socket")]);
    expect(stderr).toContain(`rights of ${bootstrapAddress}.`);
    expect(readFileSync(bootstrapAddress, "utf8")).toBe("mine");
  });

  posixTest("stop a bootstrap whose socket is gone, and one that hangs", async () => {
    await using it = await Supervised.start(config());
    rmSync(it.home.platform.paths.bootstrapAddress);
    expect((await it.home.run("stop")).stdout).toBe("mcpd is stopped\n");
    expect(await within("its end", it.child.exited)).toBe(0);
    await nobodyIn(it.home);
    await using other = await Supervised.start(config());
    process.kill(other.child.pid, "SIGSTOP");
    const { stdout } = await other.home.run("stop", "--timeout", "0.5");
    expect(stdout).toContain("did not answer and was killed");
    await nobodyIn(other.home);
  });

  posixTest("start --foreground supervises in the terminal, and switches it on", async () => {
    using home = new Home();
    home.writeConfig(config({ enabled: false }));
    const child = Bun.spawn([program(), "start", "--foreground"], {
      cwd: home.path,
      env: { ...home.env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    await waitFor("the server", async () => (await home.run("status", "--json")).exitCode === 0);
    child.kill("SIGINT");
    expect(await within("its end", child.exited)).toBe(0);
    expect(await new Response(child.stderr).text()).toContain("server: stopped");
    await nobodyIn(home);
  });

  posixTest("start is ended by Ctrl-C while it waits", async () => {
    using home = new Home();
    home.writeConfig(config());
    const { bootstrapAddress } = home.platform.paths;
    mkdirSync(dirname(bootstrapAddress), { recursive: true, mode: 0o700 });
    const waits = Promise.withResolvers<void>();
    // A bootstrap whose server never comes up.
    const server = { state: "starting", pid: null, version: null, urls: null, restarts: 0 };
    const status = { pid: 1, service: false, config: { path: home.configFile, enabled: true } };
    let asked = 0;
    const bootstrap = Bun.listen({
      unix: bootstrapAddress,
      socket: {
        data(socket, bytes) {
          const { id } = JSON.parse(bytes.toString());
          const result = { ...status, server, conditions: [] };
          socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, result })}\n`);
          if (++asked === 5) waits.resolve();
        },
      },
    });
    const child = Bun.spawn([program(), "start"], { env: { ...home.env }, stderr: "ignore" });
    try {
      await within("it to wait", waits.promise);
      child.kill("SIGINT");
      await within("its end", child.exited, 1_000);
      expect([child.exitCode, child.signalCode]).toEqual([null, "SIGINT"]);
    } finally {
      child.kill("SIGKILL");
      bootstrap.stop(true);
    }
  });

  test("the bootstrap in the background tells its pid", async () => {
    using home = new Home();
    home.writeConfig(config());
    const { stdout } = await home.run("bootstrap", "--detach", "--json");
    expect(isAlive(JSON.parse(stdout).pid)).toBe(true);
    await home.run("stop");
    await nobodyIn(home);
  });
});
