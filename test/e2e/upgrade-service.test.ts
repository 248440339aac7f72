import { afterAll, expect } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";

import { compile } from "../../build/compile.ts";
import { runsHere } from "../../build/smoke.ts";
import { TARGETS } from "../../build/targets.ts";
import { type Finished, Machine, machineTest, type MachineUser } from "../helpers/machine.ts";
import { waitFor } from "../helpers/wait.ts";

// A copy that runs as a service, from install to uninstall, on a machine with a real systemd.

let booting: Promise<Machine> | undefined;

afterAll(async () => {
  await (await booting)?.[Symbol.asyncDispose]();
});

async function boot(): Promise<Machine> {
  const machine = await Machine.boot();
  const target = TARGETS.find(runsHere);
  if (target === undefined) throw new Error("This machine is none of the targets");
  for (const version of ["0.1.0", "0.2.0"]) {
    const path = machine.shared.file(version);
    await compile(target, path, { version, commit: version, releaseKeys: [] });
    chmodSync(path, 0o755);
  }
  return machine;
}

/** A user who has the good version as a service; `self` is the installed program. */
async function userWithService(): Promise<{ machine: Machine; user: MachineUser; self: string }> {
  booting ??= boot();
  const machine = await booting;
  const user = await machine.user();
  await user.ask(machine.shared.file("0.2.0"), "install");
  return { machine, user, self: `${user.home}/.local/share/mcpd/bin/mcpd` };
}

/** A program that says it is a version, and is a good daemon, but of another one. */
function writeImpostor(path: string, version: string, real: string): void {
  const text = `#!/bin/sh\n[ "$1" = --version ] && echo "mcpd ${version}" && exit 0\nexec ${real} "$@"\n`;
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** The old version was started again, which takes it a moment. */
async function isBack(user: MachineUser, self: string): Promise<void> {
  await waitFor("the good version", async () => {
    const { stdout } = await user.run([self, "status", "--json"]);
    return JSON.parse(stdout).version === "0.2.0";
  });
}

/** A program that answers when it is asked for its version, and ends when it should work. */
function writeBroken(path: string, version: string): void {
  const text = `#!/bin/sh\n[ "$1" = --version ] && echo "mcpd ${version}" && exit 0\nexit 70\n`;
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** A bad version is waited for as long as is promised. */
const WITH_TRIAL_MS = 120_000;

machineTest("a service is upgraded, survives a bad version, and is removed whole", async () => {
  booting ??= boot();
  const machine = await booting;
  const user: MachineUser = await machine.user();
  const before = await user.files();
  const run = async (file: string, ...words: readonly string[]): Promise<Finished> =>
    await user.run([file, ...words]);
  const self = `${user.home}/.local/share/mcpd/bin/mcpd`;
  const running = async (): Promise<string> =>
    JSON.parse((await run(self, "status", "--json")).stdout).version;

  const installed = await run(machine.shared.file("0.1.0"), "install");
  expect([installed.code, installed.stderr]).toEqual([0, expect.stringContaining("mcpd status")]);
  expect(await running()).toBe("0.1.0");

  const from = (file: string): readonly string[] => ["upgrade", "--from", file, "--unsigned-ok"];
  const upgraded = await run(self, ...from(machine.shared.file("0.2.0")));
  expect([upgraded.code, upgraded.stdout]).toEqual([0, "mcpd 0.2.0 is installed, 0.1.0 is kept\n"]);
  expect(await running()).toBe("0.2.0");

  const broken = machine.shared.file("0.3.0");
  writeBroken(broken, "0.3.0");
  const failed = await run(self, ...from(broken));
  expect(failed.code).toBeGreaterThan(1);
  expect(failed.stderr).toContain("Taken back: Point");
  expect(failed.stderr).not.toContain("Could not be taken back");
  expect((await run(self, "--version")).stdout).toBe("mcpd 0.2.0\n");
  await isBack(user, self);

  expect((await run(self, "upgrade", "--rollback")).code).toBe(0);
  expect(await running()).toBe("0.1.0");

  const removed = await run(self, "uninstall", "--purge", "--yes");
  expect([removed.code, removed.stderr]).toEqual([0, ""]);
  const dirs = [".config", ".config/systemd", ".local", ".local/share", ".local/state"];
  const left = (await user.files()).filter(
    (path) => !before.includes(path) && !dirs.some((dir) => path === `${user.home}/${dir}`),
  );
  expect(left).toEqual([]);
});

machineTest(
  "no client is answered by a version that comes up and is found bad",
  async () => {
    const { machine, user, self } = await userWithService();
    const upgrade = async (file: string): Promise<Finished> =>
      await user.run([self, "upgrade", "--from", file, "--unsigned-ok", "--allow-downgrade"]);
    const { urls } = JSON.parse(await user.ask(self, "status", "--json"));
    const key = await user.ask(self, "show-key");
    const done = `${user.home}/done`;
    const client = user.ask(
      machine.shared.file("bun"),
      machine.shared.file("programs/constant-client.js"),
      urls.mcp,
      key,
      done,
    );

    const bad = machine.shared.file("0.9.0");
    writeImpostor(bad, "0.9.0", machine.shared.file("0.1.0"));
    const failed = await upgrade(bad);
    expect([failed.code, failed.stderr]).toEqual([
      69,
      expect.stringContaining("after 30 s version 0.1.0 answers"),
    ]);
    expect(failed.stderr).not.toContain("Could not be taken back");
    await user.ask("touch", done);
    const counts: { [outcome: string]: number } = JSON.parse(await client);
    const answered = Object.keys(counts).filter((outcome) => /^(\d|status)/.test(outcome));
    expect([answered, counts]).toEqual([["0.2.0"], counts]);
    // It was up, and clients came to it.
    expect(counts["TimeoutError"]).toBeGreaterThan(8);
    await isBack(user, self);
    await user.ask(self, "uninstall", "--purge", "--yes");
  },
  WITH_TRIAL_MS,
);

machineTest(
  "Ctrl-C is heard while the service manager waits for a version that hangs",
  async () => {
    const { machine, user, self } = await userWithService();
    const hangs = machine.shared.file("0.9.1");
    const text =
      '#!/bin/sh\n[ "$1" = bootstrap ] && exec sleep 600\n[ "$1" = --version ] && echo "mcpd 0.9.1"\n';
    writeFileSync(hangs, text);
    chmodSync(hangs, 0o755);
    // Once sleep is what the service runs.
    const script = `"$@" & until pgrep -u ${user.uid} -x sleep; do :; done; kill -INT $!; wait $!`;
    const upgrade = [self, "upgrade", "--from", hangs, "--unsigned-ok"];
    const { code, stderr } = await user.run(["bash", "-mc", script, "bash", ...upgrade]);
    expect([code, stderr]).toEqual([130, expect.stringContaining("mcpd: Interrupted")]);
    expect(stderr).not.toContain("Could not be taken back");
    await isBack(user, self);
    await user.ask(self, "uninstall", "--purge", "--yes");
  },
);
