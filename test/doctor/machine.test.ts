import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { clockCheck } from "../../src/doctor/clock.ts";
import { configCheck } from "../../src/doctor/config.ts";
import { diskCheck } from "../../src/doctor/disk.ts";
import { applyFix } from "../../src/doctor/examine.ts";
import { leftoversCheck } from "../../src/doctor/leftovers.ts";
import { orphansCheck } from "../../src/doctor/orphans.ts";
import { rightsCheck } from "../../src/doctor/rights.ts";
import { versionsCheck } from "../../src/doctor/versions.ts";
import { posixTest } from "../helpers/posix.ts";
import { SceneHome, status } from "./scene.ts";

describe("the config", () => {
  test("is nothing to talk about when it is right", async () => {
    using home = new SceneHome();
    expect(await configCheck.run(home.scene())).toEqual([]);
  });

  test("is told with line and column when it is wrong", async () => {
    using home = new SceneHome();
    const [found] = await configCheck.run(home.scene('{\n  "daemon": { "port": "x" }\n}'));
    expect(found).toMatchObject({ name: "config.invalid", severity: "error" });
    expect(found?.what).toContain(":2:");
    expect(found?.mend).toBe("mcpd config edit");
  });

  test("warns of unknown keys, of a foreign address and of no key", async () => {
    using home = new SceneHome();
    const daemon = { host: "0.0.0.0", auth: "none", prt: 1 };
    const found = await configCheck.run(home.scene({ daemon }));
    expect(found.map(({ name }) => name)).toEqual([
      "config.warning",
      "daemon.exposed",
      "gate.open",
    ]);
  });

  test("is another one than the daemon's", async () => {
    using home = new SceneHome();
    const config = { path: "/other/mcpd.config.json", revision: 1, hash: "", warnings: 0 };
    const [found] = await configCheck.run(home.scene({}, { status: status({ config }) }));
    expect(found?.name).toBe("config.other");
    expect(found?.what).toContain("/other/mcpd.config.json");
  });
});

describe("the files", () => {
  posixTest("that others may read are closed by the fix", async () => {
    using home = new SceneHome();
    const scene = home.scene();
    chmodSync(scene.config.path, 0o644);
    const found = await rightsCheck.run(scene);
    expect(found).toMatchObject([{ name: "file.rights", subject: scene.config.path }]);
    expect(found[0]?.mend).toBe(`chmod 600 ${scene.config.path}`);
    for (const one of found) expect(await applyFix(one)).toBeNull();
    expect(statSync(scene.config.path).mode & 0o777).toBe(0o600);
    expect(await rightsCheck.run(scene)).toEqual([]);
  });

  posixTest("of secrets are looked at, too", async () => {
    using home = new SceneHome();
    const scene = home.scene();
    const secret = join(home.platform.paths.configDir, "secrets", "github-TOKEN");
    home.write(secret, "x", 0o640);
    const [found] = await rightsCheck.run(scene);
    expect([found?.subject, found?.mend]).toEqual([secret, `chmod 600 ${secret}`]);
  });

  test("hold a key, or the daemon is told to make one", async () => {
    using home = new SceneHome();
    const { apiKeyFile } = home.platform.paths;
    const names = async (): Promise<readonly string[]> =>
      (await rightsCheck.run(home.scene({}, { status: status() }))).map((one) => one.name);
    expect(await names()).toEqual(["key.missing"]);
    home.write(apiKeyFile, "\n");
    expect(await names()).toEqual(["key.missing"]);
    home.write(apiKeyFile, "mcpd_x\n");
    expect(await names()).toEqual([]);
  });
});

describe("the machine", () => {
  test("has a disk that is nearly full", async () => {
    using home = new SceneHome();
    const at = (bytes: number) => home.scene({}, { freeBytes: () => bytes });
    expect(await diskCheck.run(at(1e9))).toEqual([]);
    expect(await diskCheck.run(at(1e8))).toMatchObject([{ severity: "warning" }]);
    expect(await diskCheck.run(at(1e6))).toMatchObject([{ severity: "error" }]);
  });

  test("has a clock that is behind its own files", async () => {
    using home = new SceneHome();
    const scene = home.scene();
    expect(await clockCheck.run(scene)).toEqual([]);
    const tomorrow = Date.now() / 1000 + 86_400;
    utimesSync(scene.config.path, tomorrow, tomorrow);
    const [found] = await clockCheck.run(scene);
    expect(found?.name).toBe("clock.behind");
    expect(found?.why).toContain("1 d");
  });

  test("runs servers that a client left behind, and some beside mcpd", async () => {
    using home = new SceneHome();
    const memory = { command: "npx", args: ["-y", "@modelcontextprotocol/server-memory"] };
    const line = "node /n/.bin/mcp @modelcontextprotocol/server-memory";
    const rows = [
      { pid: 10, parent: 1, residentBytes: 1024, command: line },
      { pid: 11, parent: 10, residentBytes: 1024, command: line },
      { pid: 20, parent: 12, residentBytes: 2048, command: line },
      { pid: 12, parent: 1, residentBytes: 0, command: "cursor" },
      { pid: 30, parent: 1, residentBytes: 0, command: "/opt/mcpd serve" },
      { pid: 31, parent: 30, residentBytes: 2048, command: line },
    ];
    const scene = home.scene({ mcpServers: { memory } }, { processes: rows });
    const found = await orphansCheck.run(scene);
    expect(found.map(({ name, mend }) => [name, mend])).toEqual([
      ["orphans", "kill 10"],
      ["clients.direct", "mcpd setup"],
    ]);
    expect(found[1]?.why).toContain("pid 20");
    expect(await orphansCheck.run(home.scene({}, { processes: rows }))).toEqual([]);
  });

  test("has a daemon of another version, and a cut off install", async () => {
    using home = new SceneHome();
    const { programsDir } = home.platform.paths;
    const scene = home.scene({}, { status: status({ version: "0.9.0" }) });
    expect(await versionsCheck.run(scene)).toMatchObject([
      { name: "version.differs", mend: "mcpd restart" },
    ]);
    mkdirSync(join(programsDir, "versions", ".1.0.0.partial"), { recursive: true });
    expect(await versionsCheck.run(home.scene())).toMatchObject([
      { name: "install.torn", mend: "mcpd install" },
    ]);
  });
});

describe("what is left behind", () => {
  posixTest("is removed: a socket, a runtime file, an announcement, half a file", async () => {
    using home = new SceneHome();
    const { paths } = home.platform;
    const runtime = { pid: 999_999, identity: "long ago", version: "1", startedAtMs: 0 };
    const half = join(paths.configDir, ".mcpd.config.json.0a1b2c3d.tmp");
    const files = [
      home.write(paths.controlAddress, ""),
      home.write(paths.runtimeFile, JSON.stringify({ ...runtime, server: null })),
      home.write(paths.announcementFile, '{ "name": "mcpd", "pid": 1 }'),
      home.write(half, "{"),
    ];
    utimesSync(half, 1000, 1000);
    const fresh = home.write(join(paths.configDir, ".mcpd.config.json.ffffffff.tmp"), "{");
    const scene = home.scene();
    const found = await leftoversCheck.run(scene);
    expect(found.map(({ subject }) => subject).toSorted()).toEqual(files.toSorted());
    for (const one of found)
      expect([one.subject, await applyFix(one)]).toEqual([one.subject, null]);
    expect(files.filter((file) => existsSync(file))).toEqual([]);
    expect(existsSync(fresh)).toBe(true);
    expect(await leftoversCheck.run(scene)).toEqual([]);
  });

  test("is nobody's business while a daemon runs", async () => {
    using home = new SceneHome();
    const { paths } = home.platform;
    writeFileSync(home.write(paths.announcementFile, ""), '{ "name": "mcpd", "pid": 1 }');
    expect(await leftoversCheck.run(home.scene({}, { status: status() }))).toEqual([]);
  });
});
