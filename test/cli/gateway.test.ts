import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runGateway } from "../../src/cli/gateway.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { posixTest } from "../helpers/posix.ts";
import { isAlive } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";

const CLIENT = join(import.meta.dir, "../fixtures/process/headless-client.ts");
const entry = { command: "mcpd", args: ["bridge"], env: { A: "1" } };
const options = { entry, environment: process.env, timeoutMs: undefined, capture: true };

test("a client that does not heed its end is ended by force", async () => {
  // A hundred times as fast, so that nobody waits for its grace.
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() * 100,
    after: (delayMs: number, action: () => void) => systemClock.after(delayMs / 100, action),
  };
  const line = [process.execPath, "run", CLIENT, "--mcp-config", "{config}", "--stubborn"];
  const run = await runGateway(line, { ...options, clock, timeoutMs: 50_000 });
  expect(run).toMatchObject({ exitCode: 124, timedOut: true });
});

posixTest("codex is given overrides of its TOML that say the same", async () => {
  using directory = new TemporaryDirectory();
  const codex = directory.file("codex");
  writeFileSync(codex, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n", { mode: 0o755 });
  const { stdout, exitCode } = await runGateway([codex, "exec"], options);
  const words = (stdout ?? "").trim().split("\n");
  expect([exitCode, words.filter((word) => word === "-c"), words.at(-1)]).toEqual([
    0,
    ["-c", "-c", "-c"],
    "exec",
  ]);
  const overrides = words.filter((word) => word.startsWith("mcp_servers."));
  expect(Bun.TOML.parse(overrides.join("\n"))).toEqual({ mcp_servers: { mcpd: entry } });
});

posixTest("what a client has started ends with it, when its time is up", async () => {
  const script = "sleep 1000 & echo $!; wait; : {config}";
  const { stdout, exitCode } = await runGateway(["sh", "-c", script], {
    ...options,
    timeoutMs: 200,
  });
  expect([exitCode, isAlive(Number(stdout))]).toEqual([124, false]);
});

posixTest(
  "gemini gets a home with all that is in the user's, and keeps nothing of it",
  async () => {
    using directory = new TemporaryDirectory();
    const gemini = directory.file("gemini");
    writeFileSync(gemini, '#!/bin/sh\ncd "$GEMINI_CLI_HOME/.gemini" && ls -A && cat *\n', {
      mode: 0o755,
    });
    const own = directory.file(".gemini");
    mkdirSync(join(own, "tmp"), { recursive: true });
    const kept = join(own, "tmp", "kept");
    writeFileSync(kept, "");
    writeFileSync(join(own, "oauth.json"), "token\n");
    const settings = '{ // mine\n  "theme": "x" }';
    writeFileSync(join(own, "settings.json"), settings);
    const environment = { ...process.env, GEMINI_CLI_HOME: directory.path };
    const { stdout } = await runGateway([gemini], { ...options, environment });
    const [names, text] = (stdout ?? "").split("token\n");
    expect(names).toBe("oauth.json\nsettings.json\ntmp\n");
    expect(text).toContain("// mine");
    expect(Bun.JSONC.parse(text ?? "")).toEqual({ theme: "x", mcpServers: { mcpd: entry } });
    expect([existsSync(kept), readFileSync(join(own, "settings.json"), "utf8")]).toEqual([
      true,
      settings,
    ]);
  },
);
