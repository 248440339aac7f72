import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { fault, isFault } from "../../src/core/fault.ts";
import { planInstall } from "../../src/install/install.ts";
import { readInstalled } from "../../src/install/state.ts";
import { lookOnly } from "../../src/install/steps.ts";
import { posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { Bench, COMMIT, whole, writeProgram } from "./bench.ts";

/** Every file and folder below a directory, but for what the test itself puts there. */
function tree(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((path) => !/^(download|run|service\.json)/.test(path))
    .sort();
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe("install", () => {
  posixTest("leaves a whole copy that needs nothing of where it came from", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    expect(await bench.install()).toBeNull();
    expect(await bench.found()).toEqual(whole("0.1.0"));
    const { layout, paths, self } = bench.machine;
    const receipt = JSON.parse(readFileSync(layout.infoFile, "utf8"));
    expect(receipt).toEqual({
      version: "0.1.0",
      commit: COMMIT,
      installedAt: "2026-01-01T00:00:00.000Z",
      previous: null,
      owner: "mcpd",
      pathFiles: [],
      links: [],
      config: null,
      service: "mcpd.service",
    });
    expect(statSync(layout.program).ino).not.toBe(statSync(self.executable ?? "").ino);
    expect([layout.root, layout.binDir, paths.configDir, paths.logsDir].map(mode)).toEqual(
      Array.from({ length: 4 }, () => "700"),
    );
    expect([mode(layout.program), mode(paths.apiKeyFile)]).toEqual(["755", "600"]);
  });

  posixTest("changes nothing of a plan that is only looked at", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const plan = planInstall(bench.machine, { allowDowngrade: false, modifyPath: true });
    if (isFault(plan)) throw new Error(plan.text);
    expect(await lookOnly(plan.steps)).toBeNull();
    expect(plan.steps.map(({ title }) => title).join("\n")).toContain("Add mcpd to PATH in");
    expect(tree(directory.path)).toEqual([]);
  });

  posixTest("run again repairs what has been damaged, and keeps config and key", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    await bench.install();
    const { layout, paths } = bench.machine;
    writeFileSync(paths.configFile, '{ "mine": 1 }');
    writeFileSync(paths.apiKeyFile, "my-key");
    const damage = [
      () => writeFileSync(layout.infoFile, "{ not json"),
      () => writeFileSync(layout.versionFile, ""),
      () => writeFileSync(layout.program, "#!/bin/sh\n"),
      () => writeFileSync(join(layout.versionsDir, "0.1.0", "mcpd"), ""),
    ];
    for (const harm of damage) {
      harm();
      expect(await bench.install()).toBeNull();
      expect(await bench.found()).toEqual(whole("0.1.0"));
    }
    expect(readFileSync(paths.configFile, "utf8")).toBe('{ "mine": 1 }');
    expect(readFileSync(paths.apiKeyFile, "utf8")).toBe("my-key");
  });

  posixTest("of a newer version keeps the one before, and no third", async () => {
    using directory = new TemporaryDirectory();
    for (const version of ["0.1.0", "0.2.0", "0.10.0"]) {
      expect(await new Bench(directory.path, version).install()).toBeNull();
    }
    const bench = new Bench(directory.path, "0.10.0");
    expect(await bench.found()).toEqual(whole("0.10.0", "0.2.0"));
    expect(await bench.install()).toBeNull();
    expect(await bench.found()).toEqual(whole("0.10.0", "0.2.0"));
  });

  posixTest("of an older version is refused unless asked for", async () => {
    using directory = new TemporaryDirectory();
    await new Bench(directory.path, "0.10.0").install();
    const older = new Bench(directory.path, "0.9.0");
    expect(await older.install()).toMatchObject({
      code: "install.newer",
      text: "Cannot replace mcpd 0.10.0 with 0.9.0: that is older",
    });
    expect(await older.found()).toEqual(whole("0.10.0"));
    expect(await older.install({ allowDowngrade: true })).toBeNull();
    expect(await older.found()).toEqual(whole("0.9.0", "0.10.0"));
  });

  posixTest("leaves a package manager's copy alone and names its command", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.2.0");
    const { layout } = bench.machine;
    mkdirSync(layout.root, { recursive: true });
    writeFileSync(layout.infoFile, JSON.stringify({ version: "0.1.0", owner: "brew" }));
    expect(await bench.install()).toMatchObject({
      code: "install.owned",
      subject: "'brew upgrade mcpd', or 'brew uninstall mcpd'",
    });
    expect(tree(layout.root)).toEqual(["INSTALL_INFO"]);
  });

  posixTest("remembers a config in another place, and makes none beside it", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const config = directory.file("download", "mine.json");
    const machine = { ...bench.machine, config };
    expect(await bench.install({}, undefined, machine)).toMatchObject({
      code: "config.unreadable",
      text: `Cannot set up the service with ${config}: there is no such file`,
    });
    writeFileSync(config, "{}");
    expect(await bench.install({}, undefined, machine)).toBeNull();
    const { layout, paths } = bench.machine;
    expect(readInstalled(layout).info?.config).toBe(config);
    expect(existsSync(paths.configFile)).toBe(false);
  });

  posixTest("repairs a stable path that is a folder or a link to nowhere", async () => {
    for (const spoil of [
      (path: string) => mkdirSync(join(path, "inside"), { recursive: true }),
      (path: string) => symlinkSync("/no/such", path),
    ]) {
      using directory = new TemporaryDirectory();
      const bench = new Bench(directory.path, "0.1.0");
      await bench.install();
      const { program } = bench.machine.layout;
      rmSync(program);
      spoil(program);
      const broken = { ...bench.machine, provideKey: async () => fault("file.failed", "no key") };
      expect(await bench.install({}, undefined, broken)).toMatchObject({ data: { stuck: [] } });
      expect(await bench.install()).toBeNull();
      expect(await bench.found()).toEqual(whole("0.1.0"));
    }
  });

  posixTest("leaves a folder of the program's name alone where nothing is installed", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const { program } = bench.machine.layout;
    mkdirSync(join(program, "work"), { recursive: true });
    expect(await bench.install()).toMatchObject({
      text: `Cannot put mcpd at ${program}: it is a directory with other things in it`,
    });
    expect(existsSync(join(program, "work"))).toBe(true);
  });

  posixTest("works in a home of any name", async () => {
    using directory = new TemporaryDirectory();
    for (const name of ["a b", "100%", "$HOME", `it's "q"`, "größe ☕", "-n", "back\\slash"]) {
      const home = directory.file(name);
      mkdirSync(home);
      const bench = new Bench(home, "0.1.0");
      expect([name, await bench.install({ modifyPath: true })]).toEqual([name, null]);
      expect([name, await bench.found()]).toEqual([name, whole("0.1.0")]);
    }
  });
});

describe("an install that cannot be", () => {
  posixTest("is taken back to the last file, whichever step fails", async () => {
    const failing = [
      ["provideConfig", async () => fault("file.failed", "no config")],
      ["provideKey", async () => fault("file.failed", "no key")],
      ["daemonVersion", async () => "0.0.1"],
      ["serviceSpec", () => Promise.reject(Object.assign(new Error("x"), { code: "ENOSPC" }))],
    ] as const;
    for (const [part, fails] of failing) {
      using directory = new TemporaryDirectory();
      const bench = new Bench(directory.path, "0.1.0");
      const machine = { ...bench.machine, [part]: fails };
      const problem = await bench.install({ modifyPath: true }, undefined, machine);
      expect([part, problem]).toMatchObject([part, { kind: "fault", data: { stuck: [] } }]);
      expect([part, tree(directory.path)]).toEqual([part, []]);
      expect(bench.service.kept).toEqual({ registered: false, version: null });
    }
  });

  posixTest("leaves no folder when one of them cannot be made", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    writeFileSync(directory.file(".config"), "");
    expect(await bench.install()).toMatchObject({ code: "file.failed" });
    expect(existsSync(directory.file(".local"))).toBe(false);
  });

  posixTest("over a running one has that one running again", async () => {
    using directory = new TemporaryDirectory();
    await new Bench(directory.path, "0.1.0").install();
    writeProgram(directory.file("download", "0.2.0", "mcpd"), "0.2.0", true);
    const bench = new Bench(directory.path, "0.2.0");
    const { paths } = bench.machine;
    writeFileSync(join(paths.logsDir, "server.log"), "it went wrong");
    const daemonTrouble = async (): Promise<string> => await Promise.resolve("the port is in use");
    const machine = { ...bench.machine, daemonTrouble };
    expect(await bench.install({}, undefined, machine)).toMatchObject({
      code: "install.unhealthy",
      text: expect.stringContaining("nobody answers (the port is in use); its logs are in"),
    });
    expect(await bench.found()).toEqual(whole("0.1.0"));
    const kept = join(paths.logsDir, "failed-0.2.0", "server.log");
    expect(readFileSync(kept, "utf8")).toBe("it went wrong");
  });

  posixTest("says so before anything is changed", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const { machine } = bench;
    const { user } = machine;
    const cases = [
      [{ user: { ...user, elevated: true } }, "daemon.root"],
      [{ user: { ...user, home: directory.file("none") } }, "file.failed"],
      [{ user: { ...user, home: "relative" } }, "file.failed"],
      [{ freeBytes: () => 1_000_000 }, "install.space"],
      [{ self: { ...machine.self, executable: null } }, "install.source"],
      [{ insideService: async () => true }, "install.inside"],
    ] as const;
    for (const [change, code] of cases) {
      const problem = await bench.install({}, undefined, { ...machine, ...change });
      expect(problem).toMatchObject({ code });
      expect(tree(directory.path)).toEqual([]);
    }
  });

  posixTest("takes no service from another copy, until that one is gone", async () => {
    using directory = new TemporaryDirectory();
    const other = new Bench(directory.file("other"), "0.1.0");
    expect(await other.install()).toBeNull();
    const bench = new Bench(directory.file("home"), "0.1.0");
    await bench.service.register();
    bench.service.registered = other.machine.layout.program;
    expect(await bench.install()).toMatchObject({
      code: "install.other",
      subject: other.machine.layout.program,
    });
    expect(existsSync(bench.machine.layout.root)).toBe(false);
    rmSync(other.machine.layout.infoFile);
    expect(await bench.install()).toBeNull();
  });

  posixTest("names the folder that nobody may write to", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    // A file where a folder is needed stops root as well.
    writeFileSync(directory.file(".local"), "");
    expect(await bench.install()).toMatchObject({ code: "file.failed" });
    expect(tree(directory.path)).toEqual([".local"]);
  });
});

describe("PATH", () => {
  posixTest("gets a link where ~/.local/bin is on it, and never over somebody's file", async () => {
    using directory = new TemporaryDirectory();
    const bin = directory.file(".local", "bin");
    const link = join(bin, "mcpd");
    const environment = { PATH: `/usr/bin:${bin}/` };
    const bench = new Bench(directory.path, "0.1.0", { environment });
    expect(await bench.install()).toBeNull();
    expect(readlinkSync(link)).toBe(bench.machine.layout.program);
    expect(await bench.install()).toBeNull();
    using other = new TemporaryDirectory();
    const theirs = other.file(".local", "bin", "mcpd");
    mkdirSync(other.file(".local", "bin"), { recursive: true });
    symlinkSync("/usr/bin/true", theirs);
    const path = { PATH: other.file(".local", "bin") };
    expect(await new Bench(other.path, "0.1.0", { environment: path }).install()).toBeNull();
    expect(readlinkSync(theirs)).toBe("/usr/bin/true");
  });

  posixTest("is told as a line to add, and added when asked, also behind a link", async () => {
    using directory = new TemporaryDirectory();
    const environment = { SHELL: "/usr/bin/zsh" };
    const bench = new Bench(directory.path, "0.1.0", { environment });
    const told = planInstall(bench.machine, { allowDowngrade: false, modifyPath: false });
    expect(JSON.stringify(told)).toContain("mcpd is not on your PATH. Add this line");
    writeFileSync(directory.file("dotfiles"), "# mine", { mode: 0o640 });
    chmodSync(directory.file("dotfiles"), 0o640);
    symlinkSync("dotfiles", directory.file(".zshrc"));
    expect(await bench.install({ modifyPath: true })).toBeNull();
    const once = readFileSync(directory.file("dotfiles"), "utf8");
    expect(once).toStartWith("# mine\n# >>> mcpd");
    expect(readlinkSync(directory.file(".zshrc"))).toBe("dotfiles");
    expect(mode(directory.file("dotfiles"))).toBe("640");
    expect(await bench.install({ modifyPath: true })).toBeNull();
    expect(readFileSync(directory.file("dotfiles"), "utf8")).toBe(once);
    expect(existsSync(directory.file(".zprofile"))).toBe(true);
  });
});

test("a full disk has words of its own", async () => {
  const { faultOfSystem } = await import("../../src/install/steps.ts");
  const full = Object.assign(new Error("no space"), { code: "ENOSPC", path: "/x" });
  expect(faultOfSystem(full, "Copy it to /x")).toMatchObject({
    code: "install.space",
    text: "Cannot copy it to /x: the disk is full",
  });
  expect(() => faultOfSystem(new TypeError("a bug"), "Copy it")).toThrow("a bug");
});
