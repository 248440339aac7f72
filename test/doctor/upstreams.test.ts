import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { installOf } from "../../src/doctor/runtimes.ts";
import { upstreamsCheck } from "../../src/doctor/upstreams.ts";
import { fixture } from "../helpers/program.ts";
import { SceneHome, status } from "./scene.ts";

/** A server that says something and does something else. */
function script(home: SceneHome, text: string): { command: string; args: string[] } {
  const file = home.write(home.directory.file("server.ts"), text);
  return { command: process.execPath, args: ["run", file] };
}

describe("each upstream", () => {
  test("is started, greeted and ended", async () => {
    using home = new SceneHome();
    const scene = home.scene({ mcpServers: { echo: fixture("echo.ts") } });
    expect(await upstreamsCheck.run(scene)).toEqual([]);
  });

  test("that ends at once is shown with what it says, without secrets", async () => {
    using home = new SceneHome();
    const key = "0123456789abcdefghijABCDEFGHIJ012345";
    const file = home.write(home.directory.file("token"), key);
    const text = `console.error("no token", process.env.GITHUB, "KEY"); process.exit(3);`;
    const env = { GITHUB: { file } };
    const broken = { ...script(home, text), env };
    const found = await upstreamsCheck.run(home.scene({ mcpServers: { broken } }));
    expect(found).toMatchObject([{ name: "upstream.failed", subject: "broken" }]);
    expect(found[0]?.what).toContain("exit code 3");
    expect(found[0]?.why).toContain("no token");
    expect(found[0]?.why).not.toContain(key);
  });

  test("that fails is shown with its error, not with what is printed around it", async () => {
    using home = new SceneHome();
    const lines = [
      "node:internal/modules/cjs/loader:1210",
      "Error: Cannot find module '/gone.js'",
      "    at Module._load (node:internal/modules/cjs/loader:1043:27)",
      "  requireStack: []",
      "}",
      "",
      "Node.js v20.20.2",
    ];
    const text = `console.error(${JSON.stringify(lines.join("\n"))}); process.exit(1);`;
    const found = await upstreamsCheck.run(
      home.scene({ mcpServers: { broken: script(home, text) } }),
    );
    expect(found[0]?.why).toBe(
      "It says: Error: Cannot find module '/gone.js' | requireStack: [] | Node.js v20.20.2",
    );
  });

  test("that says nothing is given up after its own time", async () => {
    using home = new SceneHome();
    const mute = { ...script(home, `setInterval(() => 0, 1000);`), start_timeout_secs: 1 };
    const found = await upstreamsCheck.run(home.scene({ mcpServers: { mute } }));
    expect(found).toMatchObject([{ name: "upstream.start-timeout", subject: "mute" }]);
  });

  test("without its command says where the shell has it, or how it is installed", async () => {
    using home = new SceneHome();
    const lost = { command: "no-such-command-of-mcpd" };
    const [found] = await upstreamsCheck.run(home.scene({ mcpServers: { lost } }));
    expect(found).toMatchObject({ name: "upstream.not-found", subject: "lost" });
    expect(found?.mend).toBe("mcpd config edit");
    expect(installOf("npx", "linux")?.why).toBe("Node.js is not installed");
    expect(installOf("uvx", "darwin")?.command).toBe("brew install uv");
    expect(installOf("no-such-command-of-mcpd", "linux")).toBeNull();
  });

  if (process.platform === "linux") {
    test("is looked for in the PATH that the daemon has, not the shell's", async () => {
      using home = new SceneHome();
      const only = home.write(home.directory.file("bin", "only-in-shell"), "#!/bin/sh\n", 0o700);
      const poor = { PATH: "/usr/bin:/bin", SHLVL: "1", HOME: home.directory.path };
      await using daemon = Bun.spawn(["/bin/sleep", "60"], { env: poor });
      const environment = { ...home.environment, PATH: `${join(only, "..")}:/usr/bin:/bin` };
      const scene = home.scene(
        { mcpServers: { shell: { command: "only-in-shell" } } },
        { environment, status: status({ pid: daemon.pid }) },
      );
      const [found] = await upstreamsCheck.run(scene);
      expect(found?.mend).toBe("mcpd daemon install");
      expect(found?.why).toContain(only);
    });
  }

  test("that needs a secret names the one that is missing", async () => {
    using home = new SceneHome();
    const secret = { ...fixture("echo.ts"), env: { TOKEN: { env: "NO_SUCH_TOKEN" } } };
    const [found] = await upstreamsCheck.run(home.scene({ mcpServers: { secret } }));
    expect(found).toMatchObject({ name: "secret.missing", subject: "secret" });
    expect(found?.what).toContain("NO_SUCH_TOKEN");
  });

  test("elsewhere is asked whether anybody is there", async () => {
    using home = new SceneHome();
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
    const remote = { url: `http://127.0.0.1:${server.port}/mcp?token=secret` };
    const scene = home.scene({ mcpServers: { remote } });
    expect(await upstreamsCheck.run(scene)).toEqual([]);
    await server.stop(true);
    const [found] = await upstreamsCheck.run(scene);
    expect(found?.name).toBe("upstream.unreachable");
    expect(JSON.stringify(found)).not.toContain("secret");
    const urls = [`http://127.0.0.1:${server.port}/a`, `http://127.0.0.1:${server.port}/b`];
    const both = await upstreamsCheck.run(home.scene({ mcpServers: { twice: { urls } } }));
    expect(both.map(({ subject }) => subject)).toEqual(["twice", "twice"]);
  });

  test("is not started twice: what the daemon knows is told in its words", async () => {
    using home = new SceneHome();
    const tickets = { url: "http://127.0.0.1:1/mcp" };
    const condition = {
      name: "upstream.needs-login",
      subject: "tickets",
      severity: "warning",
      text: "It asks for a login",
      hint: "Log in with 'mcpd auth tickets'.",
      sinceMs: 0,
    } as const;
    const scene = home.scene(
      { mcpServers: { tickets } },
      { status: status({ pid: 999_999, conditions: [condition] }) },
    );
    expect(await upstreamsCheck.run(scene)).toMatchObject([{ mend: "mcpd auth tickets" }]);
  });

  test("that runs here, and did not for the daemon, is still told", async () => {
    using home = new SceneHome();
    const condition = {
      name: "upstream.failed",
      subject: "echo",
      severity: "error",
      text: "It ended",
      hint: "See 'mcpd logs echo'.",
      sinceMs: 0,
    } as const;
    const scene = home.scene(
      { mcpServers: { echo: fixture("echo.ts") } },
      { status: status({ pid: 999_999, conditions: [condition] }) },
    );
    expect(await upstreamsCheck.run(scene)).toMatchObject([{ mend: "mcpd logs echo" }]);
  });

  test("that is disabled, or of a project that is not here, is left alone", async () => {
    using home = new SceneHome();
    const off = { command: "no-such-command-of-mcpd", disabled: true };
    const files = { command: "no-such-command-of-mcpd", args: ["{project}"] };
    expect(await upstreamsCheck.run(home.scene({ mcpServers: { off, files } }))).toEqual([]);
  });
});
