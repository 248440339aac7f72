import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chmodSync, existsSync, writeFileSync } from "node:fs";

import { compile } from "../../build/compile.ts";
import { runsHere } from "../../build/smoke.ts";
import { TARGETS } from "../../build/targets.ts";
import { freePort } from "../helpers/port.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor } from "../helpers/wait.ts";
import { Home } from "./harness.ts";
import { nobodyIn } from "./supervised.ts";

// Upgrades of an installed copy whose daemon no service manager keeps.

const target = TARGETS.find(runsHere);
if (target === undefined) throw new Error("This machine is none of the targets");
const shop = new TemporaryDirectory();

beforeAll(async () => {
  for (const version of ["0.1.0", "0.2.0"]) {
    await compile(target, shop.file(version), { version, commit: version, releaseKeys: [] });
  }
}, 60_000);

afterAll(() => shop[Symbol.dispose]());

type Done = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** A home with 0.1.0 in it, whose daemon runs in the background. */
class Copy implements AsyncDisposable {
  readonly home = new Home();
  readonly port = freePort();
  readonly self = this.home.platform.paths.program;

  static async start(): Promise<Copy> {
    const copy = new Copy();
    copy.home.writeConfig({ daemon: { port: copy.port } });
    expect(await copy.run(shop.file("0.1.0"), "install", "--no-service")).toMatchObject({
      code: 0,
    });
    expect(await copy.run(copy.self, "start")).toMatchObject({ code: 0 });
    return copy;
  }

  spawn(program: string, ...words: readonly string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    const env = { ...this.home.env };
    return Bun.spawn([program, ...words], {
      cwd: this.home.path,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async run(program: string, ...words: readonly string[]): Promise<Done> {
    return await doneOf(this.spawn(program, ...words));
  }

  /** The version that answers on /health; "" when nobody does. */
  async version(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/health`).catch(() => null);
    return answer === null ? "" : ((await answer.json()) as { version: string }).version;
  }

  /** A file that says it is a version and runs another program, or ends, when it should work. */
  impostor(version: string, works: string): string {
    const path = this.home.directory.file(version);
    writeFileSync(
      path,
      `#!/bin/sh\n[ "$1" = --version ] && echo "mcpd ${version}" && exit 0\n${works}\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(this.self, "stop");
    await nobodyIn(this.home);
    this.home[Symbol.dispose]();
  }
}

async function doneOf(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<Done> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

const from = (file: string): readonly string[] => ["upgrade", "--from", file, "--unsigned-ok"];

describe("an upgrade without a service manager", () => {
  posixTest(
    "restarts the daemon in the background, and goes back when it does not come up",
    async () => {
      await using copy = await Copy.start();
      const { home, self } = copy;
      expect(await copy.run(self, ...from(shop.file("0.2.0")))).toMatchObject({ code: 0 });
      expect(await copy.version()).toBe("0.2.0");

      const failed = await copy.run(self, ...from(copy.impostor("0.3.0", "exit 70")));
      expect([failed.code, failed.stderr]).toEqual([
        69,
        expect.stringContaining("Taken back: Point"),
      ]);
      expect(failed.stderr).not.toContain("Could not be taken back");
      await waitFor("the good version", async () => (await copy.version()) === "0.2.0");
      expect(existsSync(home.platform.paths.trialFile)).toBe(false);

      // One that is stopped stays so.
      await copy.run(self, "stop");
      expect(await copy.run(self, "upgrade", "--rollback")).toMatchObject({ code: 0 });
      expect(await copy.version()).toBe("");
    },
  );

  posixTest("is taken back at once when Ctrl-C is pressed while it waits for health", async () => {
    await using copy = await Copy.start();
    const { home, self } = copy;
    // It answers, but as another version: without Ctrl-C this would take half a minute.
    const child = copy.spawn(
      self,
      ...from(copy.impostor("0.9.0", `exec ${shop.file("0.2.0")} "$@"`)),
    );
    const done = doneOf(child);
    await waitFor("the version that is tried out", async () => (await copy.version()) === "0.2.0");
    child.kill("SIGINT");
    const pressedMs = performance.now();
    const { code, stderr } = await done;
    expect([code, stderr]).toEqual([130, expect.stringContaining("mcpd: Interrupted")]);
    expect(stderr).toContain("Taken back: Point");
    expect(stderr).not.toContain("Could not be taken back");
    expect(performance.now() - pressedMs).toBeLessThan(5_000);
    await waitFor("the good version", async () => (await copy.version()) === "0.1.0");
    expect((await copy.run(self, "--version")).stdout).toBe("mcpd 0.1.0\n");
    expect(existsSync(home.platform.paths.trialFile)).toBe(false);
  });
});
