import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { clientsCheck } from "../../src/doctor/clients.ts";
import { applyFix } from "../../src/doctor/examine.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import type { Scene } from "../../src/doctor/scene.ts";
import { SceneHome, status } from "./scene.ts";

const KEY = "mcpd_right";

/** The scene with Cursor installed, and this as its entry of mcpd. */
function withCursor(home: SceneHome, entry: object, rest: Partial<Scene> = {}): Scene {
  home.write(home.directory.file(".cursor", "mcp.json"), json({ mcpServers: { mcpd: entry } }));
  home.write(home.platform.paths.apiKeyFile, `${KEY}\n`);
  const echo = { command: process.execPath };
  const scene = home.scene({ daemon: { port: 8400 }, mcpServers: { echo } }, rest);
  const { link } = scene.clients;
  const program = { ...link, program: [process.execPath] as const };
  return { ...scene, clients: { ...scene.clients, link: program } };
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function http(url: string, key = KEY): object {
  return { type: "http", url, headers: { Authorization: `Bearer ${key}` } };
}

async function look(scene: Scene): Promise<readonly Finding[]> {
  return await clientsCheck.run(scene);
}

describe("a client", () => {
  test("that gets to the daemon is nothing to talk about", async () => {
    using home = new SceneHome();
    const entries = [
      { command: process.execPath, args: ["bridge"] },
      { command: process.execPath, args: ["bridge", "--server", "echo"] },
      http("http://127.0.0.1:8400/mcp"),
      http("http://localhost:8400/mcp/echo"),
      { url: "https://mcp.example.com/mcp" },
      { url: "http://127.0.0.1:3000/mcp" },
    ];
    for (const entry of entries) {
      const found = (await look(withCursor(home, entry))).filter((one) => one.severity !== "info");
      expect([entry, found]).toEqual([entry, []]);
    }
  });

  test.each([
    ["a dead port", http("http://127.0.0.1:9999/mcp"), "port 9999"],
    ["a wrong path", http("http://127.0.0.1:8400/api"), "no endpoint"],
    ["an old key", http("http://127.0.0.1:8400/mcp", "mcpd_old"), "key"],
    ["a program that has gone", { command: "/gone/mcpd", args: ["bridge"] }, "/gone/mcpd"],
    [
      "a config that has gone",
      { command: process.execPath, args: ["bridge", "--config", "/gone.json"] },
      "/gone.json",
    ],
  ])("with %s is connected again, and 'undo' takes it back", async (_what, entry, why) => {
    using home = new SceneHome();
    const scene = withCursor(home, entry);
    const file = home.directory.file(".cursor", "mcp.json");
    const before = readFileSync(file, "utf8");
    const [found] = await look(scene);
    expect(found).toMatchObject({ name: "client.dead", mend: "mcpd connect cursor" });
    expect(found?.why).toContain(why);
    expect(found === undefined ? "" : await applyFix(found)).toBeNull();
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      mcpServers: { mcpd: { command: process.execPath, args: ["bridge"] } },
    });
    expect((await look(scene)).filter(({ severity }) => severity !== "info")).toEqual([]);
    expect(before).not.toBe(readFileSync(file, "utf8"));
  });

  test("is measured by the port that the daemon has, not by the config's", async () => {
    using home = new SceneHome();
    const origin = "http://127.0.0.1:8555";
    const urls = { mcp: `${origin}/mcp`, sse: `${origin}/sse`, health: `${origin}/health` };
    const rest = { status: status({ urls }) };
    const [found] = await look(withCursor(home, http("http://127.0.0.1:8400/mcp"), rest));
    expect(found?.why).toBe("It asks port 8400, the daemon has 8555");
    const right = await look(withCursor(home, http(`${origin}/mcp`), rest));
    expect(right.filter(({ severity }) => severity !== "info")).toEqual([]);
  });

  test("that wants an upstream which is none has no fix, but a command", async () => {
    using home = new SceneHome();
    const entry = { command: process.execPath, args: ["bridge", "--server", "gone"] };
    const [found] = await look(withCursor(home, entry));
    expect(found).toMatchObject({
      name: "client.server",
      mend: "mcpd disconnect cursor",
      fix: null,
    });
  });

  test("of a project names that project", async () => {
    using home = new SceneHome();
    const project = home.directory.file("project");
    const args = ["bridge", "--project", "/gone"];
    const entry = { command: process.execPath, args };
    const file = join(project, ".cursor", "mcp.json");
    home.write(file, json({ mcpServers: { mcpd: entry } }));
    const scene = home.scene();
    const { clients } = scene;
    const link = { ...clients.link, program: [process.execPath] as const };
    const there = { ...scene, clients: { ...clients, link, where: { ...clients.where, project } } };
    const [found] = await look(there);
    expect(found).toMatchObject({ name: "client.project", subject: "cursor" });
    expect(found === undefined ? "" : await applyFix(found)).toBeNull();
    expect(readFileSync(file, "utf8")).toContain(JSON.stringify(project));
  });

  test("whose config is broken is told, and left as it is", async () => {
    using home = new SceneHome();
    home.write(home.directory.file(".cursor", "mcp.json"), "{ nonsense");
    const [found] = await look(home.scene());
    expect(found).toMatchObject({ name: "client.config", subject: "cursor", fix: null });
  });

  test("that starts servers of its own is worth a word", async () => {
    using home = new SceneHome();
    const found = await look(withCursor(home, { url: "https://mcp.example.com/mcp" }));
    expect(found).toMatchObject([{ name: "clients.direct", severity: "info" }]);
    expect(found[0]?.what).toContain("Cursor");
  });
});
