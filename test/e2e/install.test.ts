import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { TEXT_MODE } from "../../build/archive.ts";
import { compile } from "../../build/compile.ts";
import { writeRelease } from "../../build/release.ts";
import { makeKey, publicText } from "../../build/signing.ts";
import { runsHere } from "../../build/smoke.ts";
import { TARGETS } from "../../build/targets.ts";
import { freePort } from "../helpers/port.ts";
import { posixTest } from "../helpers/posix.ts";
import { processesOf } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { type Finished, Home } from "./harness.ts";

const here = TARGETS.find(runsHere);
if (here === undefined) throw new Error("This machine is none of the targets");
const archive = `mcpd-${here.name}.tar.gz`;
const shop = new TemporaryDirectory();
const old = shop.file("old", here.file);
const fresh = shop.file("new", here.file);
const released = shop.file("release");
const secret = makeKey();

/** Serves what is in the shop's folder "release" as the release 0.2.0, also as the latest. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch({ url }) {
    const [, folder, file] = /\/(latest\/download|download\/v0\.2\.0)\/([^/]+)$/.exec(url) ?? [];
    const found = Bun.file(join(released, file ?? ""));
    const there = folder !== undefined && (await found.exists());
    return there ? new Response(found) : new Response("", { status: 404 });
  },
});

beforeAll(async () => {
  const releaseKeys = [publicText(secret)];
  await compile(here, old, { version: "0.1.0", commit: "old", releaseKeys });
  await compile(here, fresh, { version: "0.2.0", commit: "new", releaseKeys });
  const programs = [{ target: here.name, file: here.file, bytes: readFileSync(fresh) }];
  const documents = [{ name: "LICENSE", bytes: Buffer.from("Do."), mode: TEXT_MODE }];
  writeRelease(released, { version: "0.2.0", programs, documents, secret, level: 1 });
}, 60_000);

afterAll(async () => {
  await server.stop(true);
  shop[Symbol.dispose]();
});

/** A home with mcpd 0.1.0 in it. */
async function installed(extra: { readonly [name: string]: string } = {}): Promise<Home> {
  const home = new Home({ MCPD_DOWNLOAD_URL: server.url.origin, ...extra });
  expect(await run(home, old, "install", "--no-service")).toMatchObject({ exitCode: 0 });
  return home;
}

function program(home: Home): string {
  return home.platform.paths.program;
}

async function run(home: Home, executable: string, ...words: string[]): Promise<Finished> {
  const child = Bun.spawn([executable, ...words], {
    cwd: home.path,
    env: { ...home.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, exitCode] = await within(
    words.join(" "),
    Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]),
    30_000,
  ).finally(() => child.kill("SIGKILL"));
  return { exitCode, stdout, stderr };
}

async function versionOf(home: Home): Promise<string> {
  return (await run(home, program(home), "--version")).stdout.trim();
}

function filesOf(home: Home): readonly string[] {
  return readdirSync(home.path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name);
}

describe("the compiled program", () => {
  posixTest(
    "installs itself, upgrades, goes back, and leaves nothing",
    async () => {
      using home = await installed();
      const self = program(home);
      const info = join(home.platform.paths.programsDir, "INSTALL_INFO");
      const check = await run(home, self, "upgrade", "--check", "--json");
      expect(JSON.parse(check.stdout)).toEqual({
        installed: "0.1.0",
        version: "0.2.0",
        newer: true,
      });
      const planned = await run(home, self, "upgrade", "--dry-run");
      expect(planned.stdout).toContain(`Download ${archive} of mcpd 0.2.0 and check it`);
      expect(await run(home, self, "upgrade")).toMatchObject({
        exitCode: 0,
        stdout: "mcpd 0.2.0 is installed, 0.1.0 is kept\n",
      });
      expect(await versionOf(home)).toBe("mcpd 0.2.0");
      const receipt = { version: "0.2.0", commit: "new", previous: "0.1.0" };
      expect(JSON.parse(readFileSync(info, "utf8"))).toMatchObject(receipt);
      expect((await run(home, self, "upgrade")).stdout).toContain("0.2.0 is not newer");
      expect((await run(home, self, "upgrade", "--rollback")).exitCode).toBe(0);
      expect(await versionOf(home)).toBe("mcpd 0.1.0");
      expect(await run(home, self, "uninstall", "--purge", "--yes")).toMatchObject({ exitCode: 0 });
      expect(filesOf(home)).toEqual([]);
    },
    60_000,
  );

  posixTest(
    "trusts no file but what was released",
    async () => {
      using home = await installed();
      const self = program(home);
      const upgrade = async (...words: string[]): Promise<string> => {
        const { stdout } = await run(home, self, "upgrade", "--json", ...words);
        return JSON.parse(stdout).error?.code ?? "done";
      };
      const folder = home.directory.file("got");
      mkdirSync(folder);
      const file = join(folder, archive);
      copyFileSync(join(released, archive), file);
      expect(await upgrade("--from", file)).toBe("release.unsigned");
      const sums = join(folder, "SHA256SUMS");
      const signature = `${sums}.minisig`;
      copyFileSync(join(released, "SHA256SUMS"), sums);
      copyFileSync(join(released, "SHA256SUMS.minisig"), signature);
      const other = (digit: string): string => (digit === "0" ? "1" : "0");
      writeFileSync(sums, readFileSync(sums, "utf8").replace(/^./, other));
      expect(await upgrade("--from", file)).toBe("release.untrusted");
      copyFileSync(join(released, "SHA256SUMS"), sums);
      writeRelease(join(folder, "other"), { version: "0.2.0", programs: [], secret: makeKey() });
      copyFileSync(join(folder, "other", "SHA256SUMS.minisig"), signature);
      expect(await upgrade("--from", file, "--unsigned-ok")).toBe("release.untrusted");
      expect(await versionOf(home)).toBe("mcpd 0.1.0");
      copyFileSync(join(released, "SHA256SUMS.minisig"), signature);
      expect(await upgrade("--from", file)).toBe("done");
      expect(await versionOf(home)).toBe("mcpd 0.2.0");
      expect(await upgrade("--from", old, "--unsigned-ok")).toBe("install.newer");
      expect(await upgrade("--from", old, "--unsigned-ok", "--allow-downgrade")).toBe("done");
      expect(await versionOf(home)).toBe("mcpd 0.1.0");
    },
    60_000,
  );

  posixTest(
    "says what is to be done where there is no release",
    async () => {
      using home = await installed();
      const self = program(home);
      const unknown = await run(home, self, "upgrade", "--version", "9.9.9");
      expect(unknown).toMatchObject({ exitCode: 69 });
      expect(unknown.stderr).toContain("the server says 404");
      expect(unknown.stderr).toContain("mcpd upgrade --from FILE");
      for (const url of ["http://127.0.0.1:1", "http://releases.invalid"]) {
        using other = await installed({ MCPD_DOWNLOAD_URL: url });
        const { exitCode } = await run(other, program(other), "upgrade");
        expect(exitCode).toBe(url.includes("127") ? 69 : 2);
      }
    },
    60_000,
  );

  posixTest(
    "survives two installs at once, and one that is killed at any moment",
    async () => {
      using home = new Home();
      const install = (): Promise<Finished> => run(home, old, "install", "--no-service");
      const both = await Promise.all([install(), install()]);
      expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      for (const delayMs of [20, 40, 60, 90, 130, 180]) {
        const child = Bun.spawn([fresh, "install", "--no-service"], {
          env: { ...home.env },
          stdio: ["ignore", "ignore", "ignore"],
        });
        await Bun.sleep(delayMs);
        child.kill("SIGKILL");
        await child.exited;
        expect(await versionOf(home)).toMatch(/^mcpd 0\.[12]\.0$/);
      }
      expect(await run(home, fresh, "install", "--no-service")).toMatchObject({ exitCode: 0 });
      expect(await versionOf(home)).toBe("mcpd 0.2.0");
      expect(filesOf(home).filter((name) => name.endsWith(".partial"))).toEqual([]);
      const { programsDir } = home.platform.paths;
      expect(readdirSync(join(programsDir, "versions")).length).toBeLessThanOrEqual(2);
    },
    60_000,
  );

  posixTest(
    "replaces a running one, says so, and ends it when it is removed",
    async () => {
      using home = await installed();
      home.writeConfig({ daemon: { port: freePort() } });
      const child = Bun.spawn([program(home), "serve", "--foreground", "--quiet"], {
        env: { ...home.env },
        stdio: ["ignore", "ignore", "ignore"],
      });
      try {
        await waitFor("the daemon", async () => (await run(home, old, "status")).exitCode === 0);
        const { stderr } = await run(home, fresh, "install", "--no-service");
        expect(stderr).toContain("mcpd 0.1.0 is running");
        expect(child.exitCode).toBeNull();
        const removed = await run(home, program(home), "uninstall", "--yes");
        expect(removed).toMatchObject({ exitCode: 0 });
        await within("the daemon to end", child.exited);
        expect(processesOf(home.path)).toEqual([]);
        expect(existsSync(home.platform.paths.programsDir)).toBe(false);
        expect(existsSync(home.configFile)).toBe(true);
      } finally {
        child.kill("SIGKILL");
      }
    },
    60_000,
  );

  posixTest(
    "does without HOME, with another folder, and not as root",
    async () => {
      using home = new Home();
      const bare = Bun.spawnSync([old, "install", "--dry-run", "--no-service"], {
        env: { PATH: "/usr/bin:/bin", MCPD_ALLOW_ROOT: "1" },
      });
      expect(bare.stdout.toString()).toContain("Check the environment");
      const prefix = home.directory.file("o t h e r");
      expect(await run(home, old, "install", "--no-service", "--prefix", prefix)).toMatchObject({
        exitCode: 0,
      });
      const there = join(prefix, "bin", here.file);
      const folder = await run(home, there, "upgrade", "--from", prefix, "--unsigned-ok");
      expect([folder.exitCode, folder.stderr]).toEqual([
        74,
        expect.stringContaining("it is no file"),
      ]);
      rmSync(join(home.path, "o t h e r", "VERSION"));
      expect(await run(home, there, "install", "--no-service")).toMatchObject({ exitCode: 0 });
      expect(readFileSync(join(prefix, "VERSION"), "utf8")).toBe("0.1.0\n");
      rmSync(there);
      mkdirSync(join(there, "inside"), { recursive: true });
      expect(await run(home, old, "install", "--no-service", "--prefix", prefix)).toMatchObject({
        exitCode: 0,
      });
      expect(await run(home, there, "uninstall", "--yes")).toMatchObject({ exitCode: 0 });
      expect(existsSync(prefix)).toBe(false);
      for (const words of [
        ["uninstall", "--yes"],
        ["uninstall", "--purge", "--yes"],
        ["upgrade"],
      ]) {
        const none = await run(home, old, ...words, "--prefix", "/nonexistent/mcpd");
        expect([none.exitCode, none.stderr]).toEqual([
          69,
          expect.stringContaining("mcpd is not installed in /nonexistent/mcpd: it has no INSTALL"),
        ]);
        expect(existsSync("/nonexistent")).toBe(false);
      }
      if (process.getuid?.() !== 0) return;
      using root = new Home({ MCPD_ALLOW_ROOT: "" });
      expect(await run(root, old, "install", "--no-service")).toMatchObject({ exitCode: 77 });
      expect(filesOf(root)).toEqual([]);
    },
    60_000,
  );
});
