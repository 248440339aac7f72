import { describe, expect, test } from "bun:test";

import { fault } from "../../src/core/fault.ts";
import { daemonCheck } from "../../src/doctor/daemon.ts";
import { doorCheck } from "../../src/doctor/door.ts";
import { applyFix } from "../../src/doctor/examine.ts";
import { serviceCheck } from "../../src/doctor/service.ts";
import { bootstrap, manager, RUNNING, SceneHome, SPEC, status } from "./scene.ts";

const CONDITION = {
  name: "port.in-use",
  subject: "",
  severity: "error",
  text: "Port 8321 is taken",
  hint: "See 'mcpd status'.",
  sinceMs: 0,
} as const;

function unit(path: string, program = process.execPath): string {
  return `[Service]\nExecStart="${program}" bootstrap\nEnvironment="PATH=${path}"\n`;
}

describe("the daemon", () => {
  test("is started by the fix when it does not run", async () => {
    using home = new SceneHome();
    let started = 0;
    const start = async () => (started++, null);
    const [found] = await daemonCheck.run(home.scene({}, { start }));
    expect(found).toMatchObject({ name: "daemon.down", mend: "mcpd start" });
    expect(found === undefined ? "" : await applyFix(found)).toBeNull();
    expect(started).toBe(1);
  });

  test("is left alone when it is switched off, or a service has to start it", async () => {
    using home = new SceneHome();
    const off = await daemonCheck.run(home.scene({ daemon: { enabled: false } }));
    expect(off).toMatchObject([{ severity: "info", fix: null }]);
    const service = { manager: manager(RUNNING), spec: SPEC };
    expect(await daemonCheck.run(home.scene({}, { service }))).toEqual([]);
  });

  test("has a server that keeps ending", async () => {
    using home = new SceneHome();
    const { server } = bootstrap();
    const crashing = { ...server, state: "waiting", lastExit: "exit code 70" } as const;
    const found = await daemonCheck.run(
      home.scene({}, { bootstrap: bootstrap({ server: crashing, conditions: [CONDITION] }) }),
    );
    expect(found.map(({ name }) => name)).toEqual(["daemon.down", "port.in-use"]);
    expect(found[0]?.why).toContain("exit code 70");
  });

  test("tells what it knows, but for what has a check of its own", async () => {
    using home = new SceneHome();
    const conditions = [
      CONDITION,
      { ...CONDITION, name: "config.invalid" },
      { ...CONDITION, name: "upstream.failed", subject: "echo" },
    ];
    const config = { mcpServers: { echo: { command: "echo" } } };
    const found = await daemonCheck.run(home.scene(config, { status: status({ conditions }) }));
    expect(found).toMatchObject([{ name: "port.in-use", mend: "mcpd status" }]);
  });

  test("has more sessions than anybody uses", async () => {
    using home = new SceneHome();
    const scene = home.scene({ server: { sessions_max: 10 } }, { status: status({ sessions: 9 }) });
    expect(await daemonCheck.run(scene)).toMatchObject([{ name: "sessions.stale" }]);
  });
});

describe("the service", () => {
  test("may be missing, and then is only worth a word", async () => {
    using home = new SceneHome();
    const found = await serviceCheck.run(home.scene());
    expect(found).toMatchObject([{ name: "service.missing", severity: "info" }]);
    const unavailable = async () => fault("service.unavailable", "Cannot use systemd: no bus");
    const none = { manager: manager({}, { unavailable }), spec: SPEC };
    const without = await serviceCheck.run(home.scene({}, { service: none }));
    expect(without).toMatchObject([{ name: "service.unavailable", severity: "info" }]);
    // One that runs without a service has what there is to have here.
    const scene = home.scene({}, { service: none, status: status({}) });
    expect(await serviceCheck.run(scene)).toEqual([]);
  });

  test("is started, enabled and registered again by the fixes", async () => {
    using home = new SceneHome();
    const asked: string[] = [];
    const path = home.write(home.directory.file("mcpd.service"), unit("/usr/bin"));
    const wanted = new TextEncoder().encode(unit("/usr/bin:/bin"));
    const service = {
      manager: manager(
        { ...RUNNING, running: false, enabled: false, pid: null },
        { asked, definition: () => ({ path, bytes: wanted }) },
      ),
      spec: SPEC,
    };
    const found = await serviceCheck.run(home.scene({}, { service }));
    expect(found.map(({ name }) => name)).toEqual([
      "service.stopped",
      "service.disabled",
      "service.path",
    ]);
    expect(found[2]?.what).toContain("/bin");
    for (const one of found) expect(await applyFix(one)).toBeNull();
    expect(asked).toEqual(["start", "register", "register"]);
  });

  test("starts a program that has gone, or another one, or was edited", async () => {
    using home = new SceneHome();
    const nameOf = async (
      now: string,
      starts: string = SPEC.program,
    ): Promise<string | undefined> => {
      const path = home.write(home.directory.file("mcpd.service"), now);
      const bytes = new TextEncoder().encode(unit(SPEC.path));
      const definition = () => ({ path, bytes });
      const program = async () => starts;
      const registered = manager({ ...RUNNING, pid: null }, { definition, program });
      const service = { manager: registered, spec: SPEC };
      return (await serviceCheck.run(home.scene({}, { service })))[0]?.name;
    };
    expect(await nameOf(unit(SPEC.path))).toBeUndefined();
    expect(await nameOf(unit(SPEC.path, "/gone/mcpd"), "/gone/mcpd")).toBe("service.program");
    expect(await nameOf(unit(SPEC.path, "/bin/sh"), "/bin/sh")).toBe("service.other");
    expect(await nameOf(`${unit(SPEC.path)}Nice=5\n`)).toBe("service.edited");
  });

  test("goes on without its definition, which somebody has removed", async () => {
    using home = new SceneHome();
    const path = home.directory.file("gone.service");
    const definition = () => ({ path, bytes: new Uint8Array() });
    const service = { manager: manager({ ...RUNNING, pid: null }, { definition }), spec: SPEC };
    const found = await serviceCheck.run(home.scene({}, { service }));
    expect(found).toMatchObject([{ name: "service.definition", mend: "mcpd daemon install" }]);
  });

  if (process.platform === "linux") {
    test("runs as somebody else", async () => {
      using home = new SceneHome();
      const path = home.write(home.directory.file("mcpd.service"), "");
      const definition = () => ({ path, bytes: new Uint8Array() });
      const service = { manager: manager(RUNNING, { definition }), spec: SPEC };
      const own = { pid: 4711, parent: 1, residentBytes: 0, command: "mcpd bootstrap" };
      const of = async (processes: (typeof own)[]) =>
        (await serviceCheck.run(home.scene({}, { service, processes }))).map(({ name }) => name);
      expect(await of([own])).toEqual([]);
      expect(await of([])).toEqual(["service.user"]);
    });
  }
});

describe("the port", () => {
  /** A stand-in for the daemon's doors, or for a stranger. */
  function listen(answer: (request: Request) => Response) {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
    return { server, origin: `http://127.0.0.1:${server.port}`, port: server.port };
  }

  const urlsOf = (origin: string) => ({
    mcp: `${origin}/mcp`,
    sse: `${origin}/sse`,
    health: `${origin}/health`,
  });

  test("answers for the right Host and the right key only", async () => {
    using home = new SceneHome();
    home.write(home.platform.paths.apiKeyFile, "mcpd_right\n");
    const good = listen(({ url, headers }) => {
      if (!headers.get("host")?.startsWith("127.")) return new Response("", { status: 403 });
      if (url.endsWith("/health")) return new Response("{}");
      const keyed = headers.get("x-api-key") === "mcpd_right";
      return new Response("", { status: keyed ? 200 : 401 });
    });
    const scene = home.scene({}, { status: status({ urls: urlsOf(good.origin) }) });
    expect(await doorCheck.run(scene)).toEqual([]);
    home.write(home.platform.paths.apiKeyFile, "mcpd_wrong\n");
    expect(await doorCheck.run(scene)).toMatchObject([
      { name: "key.refused", mend: "mcpd restart" },
    ]);
    await good.server.stop(true);
    expect(await doorCheck.run(scene)).toMatchObject([{ name: "door.deaf" }]);
  });

  test("answers to anybody", async () => {
    using home = new SceneHome();
    const open = listen(() => new Response("{}"));
    const scene = home.scene({}, { status: status({ urls: urlsOf(open.origin) }) });
    expect((await doorCheck.run(scene)).map(({ name }) => name)).toEqual(["door.host", "key.open"]);
    await open.server.stop(true);
  });

  test("is taken by somebody else", async () => {
    using home = new SceneHome();
    const stranger = listen(() => new Response("hello"));
    const scene = home.scene({ daemon: { port: stranger.port } });
    const [found] = await doorCheck.run(scene);
    expect(found?.name).toBe("door.taken");
    expect(found?.what).toContain("another program");
    await stranger.server.stop(true);
    expect(await doorCheck.run(scene)).toEqual([]);
  });
});
