import { describe, expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

import { type Fault, isFault } from "../../src/core/fault.ts";
import { layoutOf } from "../../src/install/layout.ts";
import { withInstallLock } from "../../src/install/lock.ts";
import type { Machine } from "../../src/install/machine.ts";
import { applySteps } from "../../src/install/steps.ts";
import { planUninstall } from "../../src/install/uninstall.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { processesIn } from "../../src/platform/installed.ts";
import { linuxTest, posixTest } from "../helpers/posix.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { within } from "../helpers/wait.ts";
import { Bench } from "./bench.ts";

async function uninstall(machine: Machine, purge = false): Promise<Fault | null> {
  const { lockFile } = machine.layout;
  return await withInstallLock(lockFile, systemClock, async () => {
    const plan = planUninstall(machine, purge);
    if (isFault(plan)) return plan;
    const outcome = await applySteps(plan.steps);
    return outcome.kind === "done" ? null : outcome.fault;
  });
}

function left(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(home.length + 1))
    .filter((path) => !path.startsWith("download"))
    .sort();
}

/** PATH of Windows' registry; null: it cannot be read. */
function registry(path: string | null): {
  userPath: NonNullable<Machine["userPath"]>;
  now(): string;
} {
  let value = path;
  const read = (): string => {
    if (value === null) throw new Error("PowerShell does not tell it");
    return value;
  };
  const userPath = {
    read: async () => await Promise.resolve(read()),
    write: async (text: string) => await Promise.resolve(void (value = text)),
  };
  return { userPath, now: read };
}

describe("uninstall", () => {
  posixTest("takes mcpd out of the registry's PATH, which it else leaves alone", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const { userPath, now } = registry("C:\\Windows");
    const windows = { ...bench.machine, userPath };
    expect(await bench.install({ modifyPath: true }, undefined, windows)).toBeNull();
    expect(now()).toBe(`${windows.layout.binDir};C:\\Windows`);
    // A second install without the flag does not forget what the first one did.
    expect(await bench.install({}, undefined, windows)).toBeNull();
    expect(await uninstall(windows)).toBeNull();
    expect(now()).toBe("C:\\Windows");
    const locked = { ...bench.machine, userPath: registry(null).userPath };
    expect(await bench.install({}, undefined, locked)).toBeNull();
    expect(await uninstall(locked)).toBeNull();
  });

  posixTest("keeps config, key and logs, and leaves nothing else", async () => {
    using directory = new TemporaryDirectory();
    const bin = directory.file(".local", "bin");
    const environment = { PATH: `${bin}:/usr/bin:/bin` };
    const bench = new Bench(directory.path, "0.1.0", { environment });
    await bench.install();
    await bench.upgrade("0.2.0");
    const { paths, layout } = bench.machine;
    writeFileSync(join(paths.logsDir, "server.log"), "");
    mkdirSync(paths.cacheDir, { recursive: true });
    // As a server leaves it that was killed.
    mkdirSync(dirname(paths.announcementFile), { recursive: true });
    writeFileSync(paths.announcementFile, "{}");
    expect(existsSync(join(bin, "mcpd"))).toBe(true);
    expect(await uninstall(bench.machine)).toBeNull();
    expect(left(directory.path)).toEqual([
      ".config/mcpd/api-key",
      ".config/mcpd/mcpd.config.json",
      ".local/state/mcpd/logs/server.log",
    ]);
    expect([existsSync(layout.root), existsSync(paths.cacheDir)]).toEqual([false, false]);
    expect(existsSync(dirname(dirname(paths.announcementFile)))).toBe(false);
    expect(bench.service.kept.registered).toBe(false);
    expect(await uninstall(bench.machine)).toMatchObject({ code: "install.missing" });
    expect(existsSync(layout.root)).toBe(false);
  });

  posixTest("leaves the service and its sockets to the copy that has them", async () => {
    using directory = new TemporaryDirectory();
    const other = new Bench(directory.file("other"), "0.1.0");
    expect(await other.install()).toBeNull();
    const bench = new Bench(directory.file("home"), "0.1.0");
    expect(await bench.install()).toBeNull();
    bench.service.registered = other.machine.layout.program;
    const { controlAddress } = bench.machine.paths;
    mkdirSync(dirname(controlAddress), { recursive: true });
    writeFileSync(controlAddress, "");
    const { program } = other.machine.layout;
    expect(await uninstall(bench.machine, true)).toMatchObject({
      text: `Cannot remove config, logs and data: ${program} works with them`,
    });
    expect(await uninstall(bench.machine)).toBeNull();
    expect(bench.service.kept.registered).toBe(true);
    expect(existsSync(controlAddress)).toBe(true);
    expect(existsSync(bench.machine.layout.root)).toBe(false);
  });

  posixTest("--purge leaves nothing at all, also after one without", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    await bench.install({ modifyPath: true });
    expect(await uninstall(bench.machine)).toBeNull();
    expect(await uninstall(bench.machine, true)).toBeNull();
    expect(left(directory.path)).toEqual([]);
  });

  posixTest("--purge removes no config by a slip in the name of the folder", async () => {
    using directory = new TemporaryDirectory();
    const { machine } = new Bench(directory.path, "0.1.0");
    await machine.provideConfig();
    const root = directory.file("slip");
    const layout = layoutOf({ programsDir: root, program: join(root, "bin", "mcpd") });
    expect(await uninstall({ ...machine, layout }, true)).toMatchObject({
      code: "install.missing",
    });
    expect(existsSync(machine.paths.configFile)).toBe(true);
  });

  posixTest("gives the files of the shell back byte for byte", async () => {
    using directory = new TemporaryDirectory();
    const environment = { SHELL: "/usr/bin/fish" };
    const before = Buffer.from([0x23, 0xff, 0x0d, 0x0a, 0x61]);
    writeFileSync(directory.file(".bashrc"), before);
    const bench = new Bench(directory.path, "0.1.0", { environment });
    await bench.install({ modifyPath: true });
    const fish = directory.file(".config", "fish", "conf.d", "mcpd.fish");
    expect(readFileSync(fish, "utf8")).toContain("fish_add_path");
    expect(readFileSync(directory.file(".bashrc")).equals(before)).toBe(false);
    expect(await uninstall(bench.machine, true)).toBeNull();
    expect(readFileSync(directory.file(".bashrc")).equals(before)).toBe(true);
    expect(left(directory.path)).toEqual([".bashrc"]);
  });

  posixTest(
    "finds what to remove without a receipt, after an install that was cut off",
    async () => {
      using directory = new TemporaryDirectory();
      const bench = new Bench(directory.path, "0.1.0");
      await bench.install({ modifyPath: true });
      writeFileSync(bench.machine.layout.infoFile, "");
      expect(await uninstall(bench.machine, true)).toBeNull();
      expect(left(directory.path)).toEqual([]);
    },
  );

  posixTest("leaves what is not ours in the folder it was told to use", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    const { root, binDir, versionsDir } = bench.machine.layout;
    const theirs = [join(root, "notes"), join(binDir, "tool"), join(versionsDir, "1.0.0", "tool")];
    for (const file of theirs) {
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, "theirs");
    }
    await bench.install();
    await bench.upgrade("0.2.0");
    expect(await uninstall(bench.machine)).toBeNull();
    expect(theirs.map((file) => existsSync(file))).toEqual([true, true, true]);
    expect(left(root)).toEqual(["bin/tool", "notes", "versions/1.0.0/tool"]);
  });

  posixTest("leaves a package manager's copy alone", async () => {
    using directory = new TemporaryDirectory();
    const { machine } = new Bench(directory.path, "0.1.0");
    mkdirSync(machine.layout.root, { recursive: true });
    writeFileSync(machine.layout.infoFile, JSON.stringify({ version: "0.1.0", owner: "scoop" }));
    expect(await uninstall(machine)).toMatchObject({ code: "install.owned" });
  });

  linuxTest("ends what runs of the copy, also what does not want to", async () => {
    using directory = new TemporaryDirectory();
    const bench = new Bench(directory.path, "0.1.0");
    await bench.install();
    const { root, program } = bench.machine.layout;
    // A real executable of its own in the place of the copy: a script runs as /bin/sh.
    copyFileSync("/bin/sh", program);
    const stubborn = Bun.spawn([program, "-c", "trap '' TERM; echo on; read word"], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await stubborn.stdout.getReader().read();
    const asked: string[] = [];
    const machine: Machine = {
      ...bench.machine,
      askToStop: async () => void asked.push("stop"),
      processesIn: async (folder) => await processesIn({ name: "linux" }, folder, {}),
      signal: async (pid, signal) => {
        asked.push(signal);
        process.kill(pid, signal === "kill" ? "SIGKILL" : "SIGTERM");
        if (signal === "kill") await within("its end", stubborn.exited);
      },
    };
    try {
      expect(await processesIn({ name: "linux" }, root, {})).toEqual([stubborn.pid]);
      expect(await uninstall(machine)).toBeNull();
      expect(asked).toEqual(["stop", "terminate", "kill"]);
      await stubborn.exited;
    } finally {
      stubborn.kill("SIGKILL");
    }
    expect(stubborn.signalCode).toBe("SIGKILL");
  });
});
