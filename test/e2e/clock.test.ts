import { expect } from "bun:test";

import { MovedClock } from "../../scripts/chaos/clock.ts";
import { McpHttp } from "../helpers/mcp-http.ts";
import { freePort } from "../helpers/port.ts";
import { linuxTest } from "../helpers/posix.ts";
import { fixture } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { Home } from "./harness.ts";
import { Supervised } from "./supervised.ts";

// Somebody sets the machine's clock while mcpd runs. It takes a C compiler to move the time of day
// for a few processes alone.

const DAY_S = 86_400;
const clockTest = Bun.which("cc") === null ? () => undefined : linuxTest;

clockTest("nothing minds a clock that is set, back or on", async () => {
  using directory = new TemporaryDirectory();
  const clock = MovedClock.build(directory.path);
  if (typeof clock === "string") throw new Error(clock);
  using home = new Home(clock.environment);
  const port = freePort();
  home.writeConfig({
    daemon: { port, health_check_interval: 0.1 },
    mcpServers: { echo: fixture("echo.ts") },
  });
  await using it = await Supervised.start(null, { home });
  const first = await it.serverPid();
  const client = new McpHttp({ url: `http://127.0.0.1:${port}/mcp/echo`, key: it.key });
  await client.initialize();
  const add = (): Promise<string> => client.call("add", { a: 40, b: 2 });
  const uptime = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}/health`);
    return ((await answer.json()) as { uptime_seconds: number }).uptime_seconds;
  };
  const { sessionId } = client;
  for (const seconds of [-DAY_S, 2 * DAY_S, 0]) {
    clock.move(seconds);
    expect(await add()).toBe("42");
    // Several questions of the supervisor's pass unharmed.
    await Bun.sleep(500);
    expect(await it.serverPid()).toBe(first);
    expect(await uptime()).toBeWithin(0, 60);
    const { exitCode, stdout } = await home.run("status", "--json");
    expect([exitCode, JSON.parse(stdout).uptimeMs > 0]).toEqual([0, true]);
    // Installing waits by the same clock, and holds a lock.
    expect((await home.run("install", "--no-service", "--allow-downgrade")).exitCode).toBe(0);
  }
  clock.move(-DAY_S);
  process.kill(first, "SIGKILL");
  const killedMs = performance.now();
  await it.until(({ server }) => server.restarts === 1 && server.state === "ready");
  expect(performance.now() - killedMs).toBeLessThan(2_000);
  expect(await add()).toBe("42");
  expect(client.sessionId).toBe(sessionId);
  // A second bootstrap finds the first, and a first one clears away what a dead one left.
  expect((await home.run("bootstrap")).exitCode).toBe(75);
  it.child.kill("SIGKILL");
  await it.child.exited;
  clock.move(-2 * DAY_S);
  await using next = await Supervised.start(null, { home });
  expect(await add()).toBe("42");
  expect(await next.stop()).toBe(0);
});
