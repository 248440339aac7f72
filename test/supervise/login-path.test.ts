import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/lib/clock.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { Environment, Platform } from "../../src/platform/platform.ts";
import { LoginPath } from "../../src/supervise/login-path.ts";
import { quietLog, temporaryDirectory } from "./support.ts";

let directory = "";
let asked = 0;
beforeEach(() => {
  directory = temporaryDirectory();
  asked = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function loginPath(environment: Environment, answer: string | null): LoginPath {
  const platform: Platform = {
    ...pickPlatform(process.env),
    name: "linux",
    loginPath: () => {
      asked += 1;
      return Promise.resolve(answer);
    },
  };
  const cacheFile = join(directory, "data", "login-path");
  return new LoginPath({ environment, platform, cacheFile, log: quietLog });
}

describe("LoginPath", () => {
  test("trusts PATH when a shell has started us", async () => {
    expect(await loginPath({ PATH: "/bin", SHLVL: "1" }, "/login").get()).toBe("/bin");
    expect(asked).toBe(0);
  });

  test("asks the login shell once, and puts what only we have behind its answer", async () => {
    const path = loginPath({ PATH: "/bin:/ours" }, "/login:/bin");
    expect(await path.get()).toBe("/login:/bin:/ours");
    expect(await path.get()).toBe("/login:/bin:/ours");
    expect(asked).toBe(1);
    expect(readFileSync(join(directory, "data", "login-path"), "utf8")).toBe("/login:/bin\n");
  });

  test("does not wait when it has an earlier answer, and learns the new one", async () => {
    await loginPath({}, "/old").get();
    const path = loginPath({}, "/new");
    expect(await path.get()).toBe("/old");
    while ((await path.get()) !== "/new") await systemClock.sleep(1);
    expect(readFileSync(join(directory, "data", "login-path"), "utf8")).toBe("/new\n");
  });

  test("goes on with our own PATH when the shell says nothing", async () => {
    expect(await loginPath({ PATH: "/bin" }, null).get()).toBe("/bin");
    expect(existsSync(join(directory, "data"))).toBe(false);
  });

  test("goes on when the answer cannot be kept", async () => {
    writeFileSync(join(directory, "data"), "in the way");
    expect(await loginPath({ PATH: "/bin" }, "/login").get()).toBe("/login:/bin");
  });
});
