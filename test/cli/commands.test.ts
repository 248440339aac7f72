import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { Bench, STATUS } from "./bench.ts";

test("tools lists what the daemon has and names what is missing", async () => {
  using bench = new Bench();
  bench.serve();
  const { stdout, stderr } = await bench.run(["tools", "read", "--upstream", "files"]);
  expect(stdout.split("\n")).toEqual([
    "TOOL       UPSTREAM  DESCRIPTION",
    "read_file  files     Reads a file.",
    "web__get   web       Get",
    "",
  ]);
  expect(stderr).toBe("warning: Not listed, because they are not ready: web\n");
  expect(bench.asked[0]).toContain('"search":"read","upstream":"files"}');
});

test("health follows the daemon's own address", async () => {
  using bench = new Bench();
  using http = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => Response.json({ status: url.endsWith("/bad") ? "unhealthy" : "degraded" }),
  });
  let path = "/good";
  bench.serve({
    "mcpd/status": () => ({
      ...STATUS,
      urls: { mcp: "", sse: "", health: `${http.url.origin}${path}` },
    }),
  });
  expect(await bench.run(["health"])).toEqual({ code: 0, stdout: "degraded\n", stderr: "" });
  path = "/bad";
  expect((await bench.run(["health"])).code).toBe(1);
  using idle = new Bench();
  expect((await idle.run(["health"])).code).toBe(69);
});

test("show-key prints the key alone, of the environment or the file", async () => {
  using bench = new Bench();
  expect((await bench.run(["show-key"])).code).toBe(69);
  const file = bench.paths.apiKeyFile;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "k-file\n", { mode: 0o600 });
  expect(await bench.run(["show-key"])).toEqual({ code: 0, stdout: "k-file\n", stderr: "" });
  const { stdout } = await bench.run(["show-key", "--json"], { MCPD_API_KEY: "k-env" });
  expect(JSON.parse(stdout)).toEqual({
    key: "k-env",
    origin: "environment",
    variable: "MCPD_API_KEY",
  });
});

test("logs shows the end of a log and follows it", async () => {
  using bench = new Bench();
  expect((await bench.run(["logs"])).code).toBe(74);
  const file = join(bench.paths.logsDir, "upstream-files.log");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "1\n2\n3\n");
  expect((await bench.run(["logs", "files", "-n", "2"])).stdout).toBe("2\n3\n");
  const typo = await bench.run(["logs", "flies"]);
  expect({ code: typo.code, stderr: typo.stderr.includes('Did you mean "files"?') }).toEqual({
    code: 66,
    stderr: true,
  });
});

test("logs --bootstrap shows when the server was started, and is of no upstream", async () => {
  using bench = new Bench();
  const file = join(bench.paths.logsDir, "bootstrap.log");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "server: ready\n");
  expect((await bench.run(["logs", "--bootstrap"])).stdout).toBe("server: ready\n");
  expect((await bench.run(["logs", "files", "--bootstrap"])).code).toBe(2);
});

test("logs -f goes on with what is written, and stops when nobody reads", async () => {
  using bench = new Bench();
  const file = join(bench.paths.logsDir, "server.log");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "first\n");
  const running = bench.start(["logs", "-f"]);
  const reader = running.stdout.getReader();
  const read = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  expect(await read()).toBe("first\n");
  appendFileSync(file, "second\n");
  expect(await read()).toBe("second\n");
  await reader.cancel();
  appendFileSync(file, "third\n");
  expect(await running.exited).toBe(0);
});

test("serve runs the daemon in the foreground until it is asked to stop", async () => {
  using bench = new Bench();
  const running = bench.start(["serve", "--port", "0", "--json"], { MCPD_ALLOW_ROOT: "1" });
  const reader = running.stdout.getReader();
  const announced = new TextDecoder().decode((await reader.read()).value);
  expect(JSON.parse(announced)).toMatchObject({ pid: running.pid });
  const status = await bench.run(["status", "--json"]);
  expect(JSON.parse(status.stdout)).toMatchObject({ pid: running.pid, verdict: "healthy" });
  const second = await bench.run(["serve", "--port", "0"], { MCPD_ALLOW_ROOT: "1" });
  expect(second.code).toBe(75);
  running.kill("SIGTERM");
  expect(await running.exited).toBe(0);
  expect((await bench.run(["serve", "--port", "x"])).code).toBe(2);
});
