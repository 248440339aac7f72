import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { darwinPaths } from "../../src/platform/darwin.ts";
import { linuxPaths } from "../../src/platform/linux.ts";
import {
  Machine,
  type Ran,
  Release,
  type Shell,
  shells,
  VERSION,
} from "../helpers/install-script.ts";
import { freePort } from "../helpers/port.ts";
import { posixTest } from "../helpers/posix.ts";
import { ROOT } from "../helpers/sources.ts";

const release = new Release();
afterAll(() => release[Symbol.asyncDispose]());
beforeEach(() => release.requests.splice(0));

/** Macs have no wget of their own. */
const downloaders = ["curl", "wget"].filter((name) => Bun.which(name) !== null);

const FOLDER = `/download/v${VERSION}`;

type Options = {
  readonly env?: { readonly [name: string]: string | undefined };
  readonly script?: string;
};

async function install(
  machine: Machine,
  words: readonly string[] = [],
  { env = {}, script = release.script }: Options = {},
): Promise<Ran> {
  return await machine.run(script, words, { MCPD_DOWNLOAD_URL: release.url, ...env });
}

/** Linux with glibc on x64, whatever this machine is. */
function linux(shell: Shell, home?: string): Machine {
  return new Machine(shell, home)
    .fake("uname", 'if [ "$1" = -s ]; then echo Linux; else echo x86_64; fi')
    .fake("ldd", "echo 'ldd (GNU libc) 2.36'")
    .fake("getconf", 'if [ "$1" = LONG_BIT ]; then echo 64; else echo glibc 2.36; fi');
}

/** A machine with one program to download with. */
function only(tool: string, shell: Shell): Machine {
  const machine = linux(shell);
  for (const other of downloaders.filter((name) => name !== tool)) machine.fake(other, null);
  return machine;
}

function darwin(shell: Shell, translated: boolean): Machine {
  return new Machine(shell)
    .fake("uname", 'if [ "$1" = -s ]; then echo Darwin; else echo x86_64; fi')
    .fake("sysctl", `echo ${translated ? 1 : 0}`)
    .fake("sw_vers", "echo 15.1");
}

function expectFailure(ran: Ran, machine: Machine, said: RegExp): void {
  expect(ran.stderr).toMatch(said);
  expect(ran.exitCode).toBe(1);
  expect(machine.leftovers()).toEqual([]);
}

test("install.sh ends its lines as every shell wants them", () => {
  expect(release.script).not.toContain("\r");
});

posixTest("two shells at least are here to run it", () => {
  expect(shells().length).toBeGreaterThanOrEqual(2);
});

const here = process.platform === "win32" ? [] : shells();

for (const shell of here) {
  describe(`install.sh in ${shell.name}`, () => {
    test("downloads the build of this machine, verifies it and has it install itself", async () => {
      using machine = linux(shell);
      const ran = await install(machine);
      expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
      expect(release.requests).toEqual([`${FOLDER}/mcpd-linux-x64.tar.gz`]);
      expect(machine.words()).toEqual(["install"]);
      expect(ran.stdout).toContain(`"${machine.home}/.local/share/mcpd/bin/mcpd" uninstall`);
      expect(machine.leftovers().toSorted()).toEqual(["input", "words"]);
    });

    test.each(downloaders)("downloads with %s where there is nothing else", async (tool) => {
      using machine = only(tool, shell);
      expect(await install(machine)).toMatchObject({ exitCode: 0, stderr: "" });
      expect(machine.words()).toEqual(["install"]);
    });

    test("says what to install where there is nothing to download with", async () => {
      using machine = linux(shell).fake("curl", null).fake("wget", null);
      expectFailure(await install(machine), machine, /neither curl nor wget is here/);
    });

    test("hands its options on and ends as mcpd does", async () => {
      using machine = linux(shell);
      const prefix = join(machine.home, "else where");
      const words = ["--prefix", prefix, "--no-service", "--modify-path", "--dry-run"];
      const ran = await install(machine, words, { env: { STAND_IN_EXIT: "69" } });
      expect(ran.exitCode).toBe(69);
      expect(machine.words()).toEqual(["install", ...words]);
    });

    test("takes its options from the environment too", async () => {
      using machine = linux(shell);
      const env = { MCPD_INSTALL_DIR: "/pre fix", MCPD_NO_MODIFY_PATH: "1" };
      await install(machine, ["--modify-path"], { env });
      expect(machine.words()).toEqual(["install", "--prefix", "/pre fix"]);
    });

    test("says that a dry run changed nothing", async () => {
      using machine = linux(shell);
      const ran = await install(machine, ["--dry-run"]);
      expect(ran.stdout).toContain("Nothing was changed.");
      expect(ran.stdout).not.toContain("undo");
    });

    test("leaves nothing to read for mcpd where there is no terminal", async () => {
      using machine = linux(shell);
      await install(machine);
      expect(machine.input()).toBe("");
    });

    test.each(["with space", "quo'te\"s", "umläut €", "do$lar `tick`", "back\\slash", "-dash"])(
      "works in a home called %s",
      async (home) => {
        using machine = linux(shell, home);
        expect(await install(machine)).toMatchObject({ exitCode: 0, stderr: "" });
        expect(machine.words()).toEqual(["install"]);
      },
    );

    test("does not touch what has another hash", async () => {
      using machine = linux(shell);
      const script = release.script.replaceAll(/[0-9a-f]{64}/g, "0".repeat(64));
      const ran = await install(machine, [], { script });
      expectFailure(ran, machine, /has the SHA-256 [0-9a-f]{64}, and it should have 0{64}/);
    });

    test("does not go on without a hash", async () => {
      using machine = linux(shell);
      const script = release.script.replaceAll(/[0-9a-f]{64}/g, "");
      expectFailure(await install(machine, [], { script }), machine, /has no hash of it/);
      expect(release.requests).toEqual([]);
    });

    test.each(downloaders)("says which file is not there: %s", async (tool) => {
      using machine = only(tool, shell);
      const env = { MCPD_DOWNLOAD_URL: `${release.url}/nowhere` };
      expectFailure(await install(machine, [], { env }), machine, /404/);
    });

    test.each(downloaders)("says that it cannot reach the server: %s", async (tool) => {
      using machine = only(tool, shell);
      const env = { MCPD_DOWNLOAD_URL: `http://127.0.0.1:${freePort()}` };
      const ran = await install(machine, [], { env });
      expectFailure(ran, machine, /cannot download .*online/s);
    });

    test("takes a mirror by its address only", async () => {
      using machine = linux(shell);
      const ran = await install(machine, [], { env: { MCPD_DOWNLOAD_URL: "/etc" } });
      expect(ran).toMatchObject({ exitCode: 2 });
      expect(ran.stderr).toContain("has to begin with https:// or http://");
    });
  });

  describe(`the machine, to install.sh in ${shell.name},`, () => {
    test.each([
      ["FreeBSD", "x86_64", /no build for FreeBSD on x86_64/],
      ["Linux", "riscv64", /no build for Linux on riscv64/],
      ["MINGW64_NT-10.0", "x86_64", /install\.ps1 \| iex/],
    ])("may be one there is no build for: %s on %s", async (system, processor, said) => {
      using machine = linux(shell);
      machine.fake("uname", `if [ "$1" = -s ]; then echo ${system}; else echo ${processor}; fi`);
      expectFailure(await install(machine), machine, said);
      expect(release.requests).toEqual([]);
    });

    test("may have a 32-bit system on a 64-bit kernel", async () => {
      using machine = linux(shell).fake("getconf", "echo 32");
      expectFailure(await install(machine), machine, /no build for a 32-bit system/);
    });

    test("may have a glibc that is too old", async () => {
      using machine = linux(shell);
      machine.fake("getconf", 'if [ "$1" = LONG_BIT ]; then echo 64; else echo glibc 2.12; fi');
      expectFailure(await install(machine), machine, /this system has glibc 2\.12/);
    });

    test("may have musl", async () => {
      using machine = linux(shell).fake("ldd", "echo 'musl libc (x86_64)' >&2; exit 1");
      expect(await install(machine)).toMatchObject({ exitCode: 0 });
      expect(release.requests).toEqual([`${FOLDER}/mcpd-linux-x64-musl.tar.gz`]);
    });

    test("may lack what the musl build needs", async () => {
      using machine = linux(shell).fake("ldd", "echo 'musl libc (x86_64)' >&2; exit 1");
      const env = { STAND_IN_BROKEN: "Error loading shared library libstdc++.so.6" };
      const ran = await install(machine, [], { env });
      expectFailure(ran, machine, /loading shared library.*apk add libstdc\+\+/s);
    });

    test("may be a Mac of either kind, also behind Rosetta", async () => {
      for (const [translated, target] of [
        [false, "darwin-x64"],
        [true, "darwin-arm64"],
      ] as const) {
        using machine = darwin(shell, translated);
        expect(await install(machine)).toMatchObject({ exitCode: 0 });
        expect(release.requests.splice(0)).toEqual([`${FOLDER}/mcpd-${target}.tar.gz`]);
      }
    });

    test("may be a Mac that is too old", async () => {
      using machine = darwin(shell, false).fake("sw_vers", "echo 12.7.6");
      expectFailure(await install(machine), machine, /this is macOS 12\.7\.6, and it needs 13/);
    });

    test("may run it as root, which it refuses unless told", async () => {
      using machine = linux(shell).fake("id", "echo 0");
      const ran = await install(machine, [], { env: { MCPD_ALLOW_ROOT: undefined } });
      expectFailure(ran, machine, /cannot install mcpd as root/);
      expect(await install(machine)).toMatchObject({ exitCode: 0 });
    });

    test("may have no home", async () => {
      using machine = linux(shell);
      for (const HOME of [undefined, "", "relative"]) {
        expectFailure(await install(machine, [], { env: { HOME } }), machine, /HOME is '/);
      }
    });
  });

  describe(`a copy that is there, to install.sh in ${shell.name},`, () => {
    test("is left alone when it is of the same version", async () => {
      using machine = linux(shell);
      const root = linuxPaths({}, machine.home).programsDir;
      await install(machine, [], { env: { STAND_IN_ROOT: root } });
      release.requests.splice(0);
      const ran = await install(machine);
      expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
      expect(ran.stdout).toContain(`mcpd ${VERSION} is already installed in ${root}`);
      expect(release.requests).toEqual([]);
    });

    test("is looked for where mcpd puts it on each system, and where --prefix says", async () => {
      const places = [
        [linux(shell), (home: string) => linuxPaths({}, home).programsDir, []],
        [darwin(shell, true), (home: string) => darwinPaths(home).programsDir, []],
        [linux(shell), (home: string) => join(home, "p"), ["--prefix", "p"]],
      ] as const;
      for (const [machine, root, words] of places) {
        using disposable = machine;
        await install(disposable, words, { env: { STAND_IN_ROOT: root(disposable.home) } });
        expect((await install(disposable, words)).stdout).toContain("already installed");
      }
    });

    test("is replaced when its program does not run", async () => {
      using machine = linux(shell);
      const root = linuxPaths({}, machine.home).programsDir;
      mkdirSync(root, { recursive: true });
      writeFileSync(join(root, "VERSION"), VERSION);
      await install(machine);
      expect(machine.words()).toEqual(["install"]);
    });

    test("is what uninstalls itself", async () => {
      using machine = linux(shell);
      const root = linuxPaths({}, machine.home).programsDir;
      await install(machine, [], { env: { STAND_IN_ROOT: root } });
      release.requests.splice(0);
      const ran = await install(machine, ["--uninstall", "--yes"], { env: { STAND_IN_EXIT: "3" } });
      expect(ran.exitCode).toBe(3);
      expect(machine.words()).toEqual(["uninstall", "--yes"]);
      await install(machine, ["--uninstall", "--prefix", root]);
      expect(machine.words()).toEqual(["uninstall", "--prefix", root]);
      await install(machine, ["--uninstall"], { env: { CI: "true" } });
      expect(machine.words()).toEqual(["uninstall", "--yes"]);
      expect(release.requests).toEqual([]);
    });

    test("is missed when there is none to uninstall", async () => {
      using machine = linux(shell);
      expectFailure(await install(machine, ["--uninstall"]), machine, /there is none in/);
    });
  });

  describe(`the words of install.sh in ${shell.name}`, () => {
    test("name another version, whose own script then knows its hashes", async () => {
      using machine = linux(shell);
      const script = release.script.replaceAll(VERSION, "1.0.0");
      const ran = await install(machine, [`--version=v${VERSION}`, "--no-service"], { script });
      expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
      expect(release.requests).toEqual([`${FOLDER}/install.sh`, `${FOLDER}/mcpd-linux-x64.tar.gz`]);
      expect(machine.words()).toEqual(["install", "--no-service"]);
      await install(machine, [], { script, env: { MCPD_VERSION: VERSION, STAND_IN_EXIT: "4" } });
      expect(machine.words()).toEqual(["install"]);
    });

    test("do not make it run what is not the script of that version", async () => {
      using machine = linux(shell);
      release.files.set("/download/v9.9.9/install.sh", "touch $HOME/ran\n");
      const ran = await install(machine, ["--version", "9.9.9"]);
      expectFailure(ran, machine, /is not its script/);
    });

    test.each([
      [["--nope"], /unknown option '--nope'/],
      [["--prefix"], /the option --prefix has no value/],
      [["--version", "../1"], /is no version/],
      [["--version", "1.2;x"], /is no version/],
    ])("may be wrong: %p", async (words, said) => {
      using machine = linux(shell);
      const ran = await install(machine, words);
      expect(ran.exitCode).toBe(2);
      expect(ran.stderr).toMatch(said);
      expect(machine.leftovers()).toEqual([]);
    });

    test("are explained", async () => {
      using machine = linux(shell);
      const ran = await install(machine, ["--help"]);
      expect(ran.exitCode).toBe(0);
      const words = [...release.script.matchAll(/^ {6}(?:-y \| )?(--[\w-]+)\)/gm)];
      expect(words.length).toBeGreaterThan(3);
      for (const [, word] of words) expect(ran.stdout).toContain(word ?? "");
    });

    test("do not help the template of the source tree", async () => {
      using machine = linux(shell);
      const script = readFileSync(join(ROOT, "scripts", "install.sh"), "utf8");
      const ran = await install(machine, [], { script });
      expectFailure(ran, machine, /the script of the source tree: it knows no version/);
    });

    test("do nothing when the script is cut off on the way", async () => {
      using machine = linux(shell);
      const end = release.script.trimEnd().length;
      const cuts = new Set(Array.from({ length: Math.ceil(end / 50) }, (_, index) => index * 50));
      for (let cut = end - 40; cut < end; cut++) cuts.add(cut);
      for (const cut of cuts) await install(machine, [], { script: release.script.slice(0, cut) });
      expect(machine.leftovers()).toEqual([]);
      expect(release.requests).toEqual([]);
      expect(machine.words()).toBe(null);
    });
  });
}
