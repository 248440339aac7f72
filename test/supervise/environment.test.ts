import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Fault, isFault } from "../../src/core/fault.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { Environment, KeychainAnswer } from "../../src/platform/platform.ts";
import { type Launch, resolveLaunch } from "../../src/supervise/environment.ts";
import { temporaryDirectory, unitOf } from "./support.ts";

const home = temporaryDirectory();
const platform = pickPlatform({ ...process.env, HOME: home, USERPROFILE: home });
const deps = (environment: Environment) => ({ environment, platform, path: "/login/bin:/bin" });

function environmentOf(launch: Launch | Fault): Launch["env"] {
  if (isFault(launch)) throw new Error(launch.text);
  return launch.env;
}

beforeAll(() => {
  writeFileSync(join(home, "secret"), "s3cret\n", { mode: 0o600 });
  writeFileSync(join(home, "open"), "s3cret\n");
  chmodSync(join(home, "open"), 0o644);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe("resolveLaunch()", () => {
  test("keeps the daemon's own switches away from children and gives them the login PATH", async () => {
    const environment = {
      BUN_OPTIONS: "--preload evil.ts",
      BUN_BE_BUN: "1",
      MCPD_CONFIG: "/x",
      NODE_OPTIONS: "--inspect",
      NOTIFY_SOCKET: "/run/systemd/notify",
      PATH: "/bin",
      LANG: "C",
    };
    expect(environmentOf(await resolveLaunch(unitOf({}), deps(environment)))).toEqual({
      LANG: "C",
      PATH: "/login/bin:/bin",
    });
  });

  test("keeps the variable of the API key from children, unless the config hands it on", async () => {
    const environment = { TEAM_KEY: "k", LANG: "C" };
    const keyed = { ...deps(environment), keyVariable: "TEAM_KEY" };
    const path = { PATH: "/login/bin:/bin" };
    expect(environmentOf(await resolveLaunch(unitOf({}), keyed))).toEqual({ LANG: "C", ...path });
    const env = { MCPD: { kind: "env", name: "TEAM_KEY", prefix: "" } } as const;
    const launch = await resolveLaunch(unitOf({ env }), keyed);
    expect(environmentOf(launch)).toEqual({ LANG: "C", MCPD: "k", ...path });
  });

  test("what the config sets is given, whatever its name", async () => {
    const env = {
      NODE_OPTIONS: { kind: "text", text: "--max-old-space-size=512" },
      PATH: { kind: "text", text: "/opt/bin:${PATH}" },
    } as const;
    expect(await resolveLaunch(unitOf({ env }), deps({ NODE_OPTIONS: "--inspect" }))).toMatchObject(
      {
        env: { NODE_OPTIONS: "--max-old-space-size=512", PATH: "/opt/bin:/login/bin:/bin" },
      },
    );
  });

  test("lets arguments name the unit's own variables, which win over the daemon's", async () => {
    const env = { API_KEY: { kind: "text", text: "own" } } as const;
    const unit = unitOf({ env, args: ["--key", "${API_KEY}"] });
    expect(await resolveLaunch(unit, deps({ API_KEY: "outer" }))).toMatchObject({
      args: ["--key", "own"],
    });
  });

  test("expands variables, defaults and the home directory", async () => {
    const unit = unitOf({
      command: "~/bin/server",
      args: ["--root=${ROOT}", "${MODE:-fast}", "${EMPTY:-none}", "$5", "~"],
      cwd: "${ROOT}/sub",
    });
    expect(await resolveLaunch(unit, deps({ ROOT: "/srv", EMPTY: "" }))).toMatchObject({
      command: join(home, "bin/server"),
      args: ["--root=/srv", "fast", "none", "$5", "~"],
      cwd: "/srv/sub",
    });
  });

  test("starts in the home directory, never in the daemon's own", async () => {
    expect(await resolveLaunch(unitOf({ cwd: null }), deps({}))).toMatchObject({ cwd: home });
  });

  test("names the variable that is not set", async () => {
    const env = { TOKEN: { kind: "env", name: "GITHUB_TOKEN", prefix: "" } } as const;
    for (const unit of [unitOf({ env }), unitOf({ args: ["${GITHUB_TOKEN}"] })]) {
      expect(await resolveLaunch(unit, deps({}))).toMatchObject({
        code: "secret.missing",
        subject: "GITHUB_TOKEN",
        text: expect.stringContaining("the environment variable GITHUB_TOKEN is not set"),
      });
    }
  });

  test("asks the keychain, and says what it said", async () => {
    const item = { kind: "keychain", service: "github", account: "ada", prefix: "k:" } as const;
    const env = { TOKEN: item, OTHER: item };
    let times = 0;
    const asked = async (answer: KeychainAnswer) => {
      times = 0;
      const keychain = async (service: string, account: string) => {
        times += 1;
        return service === "github" && account === "ada" ? answer : ({ kind: "missing" } as const);
      };
      const unit = unitOf({ env, args: ["${TOKEN}"] });
      return await resolveLaunch(unit, { ...deps({}), platform: { ...platform, keychain } });
    };
    expect(await asked({ kind: "value", value: "s3cret" })).toMatchObject({ args: ["k:s3cret"] });
    const text = 'the keychain\'s secret of service "github", account "ada",';
    expect(await asked({ kind: "missing" })).toMatchObject({
      code: "secret.missing",
      text: expect.stringContaining(`${text} is not there`),
    });
    expect(await asked({ kind: "unusable", why: "it is locked" })).toMatchObject({
      code: "secret.locked",
      text: expect.stringContaining(`${text} cannot be read: it is locked`),
    });
    // Whoever has declined is not asked for the next one.
    expect(times).toBe(1);
  });
});
