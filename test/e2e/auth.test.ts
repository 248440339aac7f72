import { describe, expect, test } from "bun:test";

import { LoginServer } from "../fixtures/servers/login.ts";
import { program } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { Daemon } from "./harness.ts";
import { conditionOf, statusOf, upstreamOf } from "./status.ts";

/** Runs `mcpd auth` with a person who opens the address it shows. Returns its exit code. */
async function authorize(daemon: Daemon, ...words: readonly string[]): Promise<number> {
  const child = Bun.spawn([program(), "auth", ...words, "--no-browser", "--json"], {
    cwd: daemon.home.path,
    env: { ...daemon.home.env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of child.stdout) {
    said += decoder.decode(chunk, { stream: true });
    const lines = said.split("\n");
    said = lines.pop() ?? "";
    for (const line of lines) {
      const { open } = JSON.parse(line) as { readonly open?: string };
      if (open !== undefined) expect((await fetch(open)).status).toBe(200);
    }
  }
  return await within("mcpd auth to end", child.exited);
}

describe("an upstream that wants a login", () => {
  test("says so with the command, and is there as soon as it was run", async () => {
    using server = new LoginServer();
    await using daemon = await Daemon.start({ mcpServers: { far: { url: server.url } } });
    const refused = await daemon.run("call", "far", "echo", "text=x");
    expect(refused.exitCode).toBe(77);
    expect(refused.stderr).toContain("Log in with 'mcpd auth far'");
    const condition = await conditionOf(daemon.home, "upstream.needs-login");
    expect(condition).toMatchObject({ subject: "far", hint: "Log in with 'mcpd auth far'." });
    expect(await authorize(daemon, "far")).toBe(0);
    await upstreamOf(daemon.home, "far", ({ state }) => state === "ready");
    expect((await daemon.run("call", "far", "echo", "text=in")).stdout.trim()).toBe("in");
    expect((await statusOf(daemon.home))?.conditions).toEqual([]);
  });

  test("gets a renewed token when the old one has expired, and none after the logout", async () => {
    using server = new LoginServer();
    await using daemon = await Daemon.start({ mcpServers: { far: { url: server.url } } });
    expect(await authorize(daemon, "far")).toBe(0);
    const client = await daemon.connect("far");
    expect(await client.call("count")).toBe("1");
    server.expire();
    const calls = Array.from({ length: 5 }, () => client.call("count"));
    expect((await Promise.all(calls)).sort()).toEqual(["2", "3", "4", "5", "6"]);
    expect(server.refreshes).toBe(1);
    const logout = await daemon.run("auth", "far", "--logout");
    expect([logout.exitCode, logout.stderr]).toEqual([0, 'done: Logged out of "far"\n']);
    const { response } = await client.request("tools/call", { name: "count", arguments: {} });
    expect(response.error?.data).toMatchObject({ fault: "upstream.needs-login" });
    expect(server.mcp.counted).toBe(6);
    await waitFor("the condition", async () =>
      (await statusOf(daemon.home))?.conditions.some(({ name }) => name === "upstream.needs-login"),
    );
  });

  test("shows its token in no log and no answer of ours", async () => {
    using server = new LoginServer();
    await using daemon = await Daemon.start({
      daemon: { log_level: "DEBUG" },
      mcpServers: { far: { url: server.url } },
    });
    expect(await authorize(daemon, "far")).toBe(0);
    await daemon.run("call", "far", "echo", "text=in");
    const token = server.mcp.header("tools/call", "authorization")?.replace("Bearer ", "") ?? "";
    expect(token).toHaveLength(36);
    expect(daemon.log() + daemon.log("upstream-far.log")).not.toContain(token);
    expect((await daemon.run("status", "--json")).stdout).not.toContain(token);
    expect((await daemon.run("config", "show")).stdout).not.toContain(token);
  });
});

describe("an upstream with several addresses that want a login", () => {
  test("is logged in at all of them, or at the one that is named", async () => {
    using near = new LoginServer();
    using far = new LoginServer();
    const urls = [near.url, far.url];
    await using daemon = await Daemon.start({ mcpServers: { both: { urls } } });
    expect(await authorize(daemon, "both", "--url", far.url)).toBe(0);
    expect([near.registrations, far.registrations]).toEqual([0, 1]);
    expect((await daemon.run("call", "both", "echo", "text=in")).stdout.trim()).toBe("in");
    expect(await authorize(daemon, "both")).toBe(0);
    expect([near.registrations, far.registrations]).toEqual([1, 1]);
    await waitFor("both to be connected", async () => {
      const upstreams = (await statusOf(daemon.home))?.upstreams ?? [];
      const both = upstreams.filter(({ name }) => name === "both");
      return both.length === 2 && both.every(({ state }) => state === "ready");
    });
    const wrong = await daemon.run("auth", "both", "--url", "http://127.0.0.1/elsewhere");
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining(near.url)]);
    expect((await daemon.run("auth", "both", "--logout")).exitCode).toBe(0);
    const out = await daemon.run("call", "both", "echo", "text=in");
    expect(out.stderr).toContain("Log in with 'mcpd auth both'");
  });
});

describe("mcpd auth", () => {
  test("explains what cannot be logged in at", async () => {
    using server = new LoginServer();
    const mcpServers = {
      key: { url: server.url, headers: { authorization: "Bearer ${KEY:-none}" } },
      open: { url: server.mcp.url.replace("/mcp", "/register") },
      local: { command: "true" },
    };
    await using daemon = await Daemon.start({ mcpServers });
    const cases: readonly (readonly [name: string, exitCode: number, text: string])[] = [
      ["nobody", 66, 'The config has no upstream "nobody"'],
      ["local", 2, "it is not reached over HTTP"],
      ["key", 2, "the config has an Authorization header for it"],
      ["open", 77, "it asks for no login (HTTP 201)"],
    ];
    for (const [name, exitCode, text] of cases) {
      const result = await daemon.run("auth", name, "--no-browser");
      expect([name, result.exitCode, result.stderr.includes(text)]).toEqual([name, exitCode, true]);
    }
    const port = await daemon.run("auth", "open", "--port", "none");
    expect([port.exitCode, port.stderr]).toEqual([2, expect.stringContaining("--port must be")]);
    const secret = ["--client-id", "me", "--client-secret-env", "NOT_SET"];
    const unset = await daemon.run("auth", "open", ...secret);
    expect([unset.exitCode, unset.stderr]).toEqual([78, expect.stringContaining("NOT_SET")]);
  });
});
