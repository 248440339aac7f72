import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { fixture } from "../helpers/program.ts";
import { Daemon, Home } from "./harness.ts";
import { upstreamOf } from "./status.ts";

// Results that the config lets mcpd give again (MISSION D5).

const cache = { tools: { echo: 300 }, forget_on: ["change"] };
const CONFIG = { mcpServers: { echo: { ...fixture("echo.ts"), cache } } };

test("a repeated call is answered from what is kept, by the next daemon too, until it is cleared", async () => {
  using home = new Home();
  const first = await Daemon.start(CONFIG, { home });
  const client = await first.connect("echo");
  for (let count = 0; count < 10; count++) {
    expect(await client.call("echo", { text: "again" })).toBe("again");
  }
  const shown = await first.run("cache", "--json");
  expect(JSON.parse(shown.stdout)).toMatchObject({
    memory: { entries: 1 },
    upstreams: [{ name: "echo", hits: 9, shared: 0, misses: 1 }],
  });
  expect((await first.run("cache")).stdout).toMatch(/^memory  1 result, [^]* 90 %$/m);
  await first.stop();
  await using second = await Daemon.start(null, { home });
  const later = await second.connect("echo");
  expect(await later.call("echo", { text: "again" })).toBe("again");
  const { pid } = await upstreamOf(home, "echo", () => true);
  expect(pid).toBeNull();
  expect((await second.run("cache", "clear")).exitCode).toBe(0);
  expect(await later.call("echo", { text: "again" })).toBe("again");
  const status = JSON.parse((await second.run("cache", "echo", "--json")).stdout);
  expect(status).toMatchObject({ upstreams: [{ name: "echo", hits: 1, misses: 1 }] });
});

test("a call that changes something makes kept results forgotten", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const client = await daemon.connect("echo");
  await client.call("echo", { text: "x" });
  await client.call("change", { list: "tools" });
  await client.call("echo", { text: "x" });
  const { upstreams, memory } = JSON.parse((await daemon.run("cache", "--json")).stdout);
  expect(upstreams).toMatchObject([{ hits: 0, misses: 2 }]);
  const headers = { "x-api-key": daemon.key };
  const metrics = await (await fetch(`${daemon.origin}/metrics`, { headers })).json();
  expect(metrics).toMatchObject({ cache_hits: 0, cache_misses: 2 });
  expect(metrics).toMatchObject({ cache_memory_bytes: memory.bytes });
  const text = { headers: { ...headers, accept: "text/plain" } };
  const rows = await (await fetch(`${daemon.origin}/metrics`, text)).text();
  expect(rows).toContain(`mcpd_cache_memory_bytes ${memory.bytes}\n`);
  expect(rows).toMatch(/^mcpd_cache_disk_bytes \d+$/m);
});

test("what was kept under another token is not given again", async () => {
  await using daemon = await Daemon.start(null);
  const file = join(daemon.home.path, "token");
  const rotate = (token: string): void => writeFileSync(file, token, { mode: 0o600 });
  rotate("one");
  const server = { ...fixture("echo.ts"), env: { TOKEN: { file } }, cache };
  daemon.home.writeConfig({ mcpServers: { echo: server } });
  await upstreamOf(daemon.home, "echo", () => true);
  const client = await daemon.connect("echo");
  const misses = async (): Promise<number> => {
    expect(await client.call("echo", { text: "x" })).toBe("x");
    const { upstreams } = JSON.parse((await daemon.run("cache", "--json")).stdout);
    return upstreams[0].misses;
  };
  expect([await misses(), await misses()]).toEqual([1, 1]);
  rotate("two");
  // The server that runs was started with the first: what it says now is not kept for the second.
  expect([await misses(), await misses()]).toEqual([2, 3]);
  rotate("one");
  expect(await misses()).toBe(3);
});

test("an upstream that does not exist is named, with what was meant", async () => {
  await using daemon = await Daemon.start(CONFIG);
  const { exitCode, stderr } = await daemon.run("cache", "ecko");
  expect(exitCode).toBe(66);
  expect(stderr).toContain("echo");
});
