import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Reach, ValueRef } from "../../src/core/unit.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { Environment } from "../../src/platform/platform.ts";
import { resolveRemote } from "../../src/supervise/remote-target.ts";
import { posixTest } from "../helpers/posix.ts";
import { unitOf } from "../helpers/unit.ts";
import { temporaryDirectory } from "./support.ts";

const home = temporaryDirectory();
const platform = pickPlatform({ ...process.env, HOME: home, USERPROFILE: home });

beforeAll(() => {
  writeFileSync(join(home, "secret"), "s3cret\n", { mode: 0o600 });
  writeFileSync(join(home, "open"), "s3cret\n");
  chmodSync(join(home, "open"), 0o644);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

type Remote = Extract<Reach, { kind: "remote" }>;

function resolve(change: Partial<Remote>, environment: Environment = {}) {
  const reach: Remote = {
    kind: "remote",
    wire: "http",
    url: "https://x.test/mcp",
    headers: {},
    ...change,
  };
  return resolveRemote(unitOf("far", { reach }), { environment, platform });
}

function header(reference: ValueRef, environment: Environment = {}) {
  return resolve({ headers: { Authorization: reference } }, environment);
}

describe("resolveRemote()", () => {
  test("expands the URL, and shows nothing of what was expanded", async () => {
    const url = "https://${HOST:-x.test}/mcp?key=${KEY}#part";
    const target = await resolve({ url }, { KEY: "abc" });
    expect(target).toMatchObject({ shown: "https://${HOST:-x.test}/mcp?..." });
    expect("url" in target && target.url.href).toBe("https://x.test/mcp?key=abc");
  });

  test("takes from its own env what its texts name, and the daemon cannot know", async () => {
    const env = { KEY: { kind: "file", path: "~/secret", prefix: "" } } as const;
    const url = "https://x.test/mcp?key=${KEY}";
    const target = await resolve({ url, env }, { KEY: "outer" });
    expect("url" in target && target.url.href).toBe("https://x.test/mcp?key=s3cret");
    const missing = { KEY: { kind: "env", name: "NONE", prefix: "" } } as const;
    expect(await resolve({ url, env: missing })).toMatchObject({ subject: "NONE" });
  });

  test("takes header values from texts, the environment and private files", async () => {
    const environment = { TOKEN: "abc", HERE: home };
    const values: readonly (readonly [ValueRef, string])[] = [
      [{ kind: "text", text: "Bearer ${TOKEN}" }, "Bearer abc"],
      [{ kind: "env", name: "TOKEN", prefix: "Bearer " }, "Bearer abc"],
      [{ kind: "file", path: "~/secret", prefix: "Bearer " }, "Bearer s3cret"],
      [{ kind: "file", path: "${HERE}/secret", prefix: "" }, "s3cret"],
    ];
    for (const [reference, authorization] of values) {
      expect(await header(reference, environment)).toMatchObject({ headers: { authorization } });
    }
  });

  test("names what is missing", async () => {
    expect(await header({ kind: "env", name: "TOKEN", prefix: "" })).toMatchObject({
      code: "secret.missing",
      subject: "TOKEN",
    });
    const path = join(home, "nothing");
    expect(await header({ kind: "file", path: "~/nothing", prefix: "" })).toMatchObject({
      code: "secret.missing",
      subject: path,
    });
  });

  posixTest("refuses a file that others can read", async () => {
    expect(await header({ kind: "file", path: "~/open", prefix: "" })).toMatchObject({
      code: "secret.missing",
      text: expect.stringContaining("can be read by others"),
    });
  });

  test("turns user and password of a URL into the header they become", async () => {
    const target = await resolve({ url: "https://me:p%40ss@x.test/mcp" });
    expect(target).toMatchObject({
      shown: "https://x.test/mcp",
      headers: { authorization: `Basic ${btoa("me:p@ss")}` },
    });
    expect("url" in target && target.url.href).toBe("https://x.test/mcp");
  });

  test("a WebSocket may be given by the address of the web site", async () => {
    const target = await resolve({ wire: "ws", url: "https://x.test/ws" });
    expect("url" in target && target.url.href).toBe("wss://x.test/ws");
  });

  test("says what cannot be used, without its value", async () => {
    const broken = await header({ kind: "text", text: "a\nb" });
    expect(broken).toMatchObject({ text: expect.stringContaining("header Authorization") });
    expect(JSON.stringify(broken)).not.toContain("a\\nb");
    expect(await resolve({ url: "${WHERE}" }, { WHERE: "ftp://secret" })).toMatchObject({
      code: "upstream.unreachable",
      text: 'Cannot reach upstream "far": its url, ${WHERE}, cannot be used',
    });
  });
});
