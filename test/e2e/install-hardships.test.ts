import { afterAll, expect } from "bun:test";

import { machineTest, type MachineUser } from "../helpers/machine.ts";
import { Users } from "../helpers/users.ts";
import { waitFor } from "../helpers/wait.ts";

// What happens to the compiled program where others live, on a machine with a real systemd.

const users = new Users();

afterAll(() => users[Symbol.asyncDispose]());

function usual(user: MachineUser): string {
  return `${user.home}/.local/share/mcpd/bin/mcpd`;
}

machineTest("a copy in a folder of root's has the service to itself", async () => {
  const user = await users.next();
  const given = `/srv/${user.name}`;
  await user.machine.asRoot(["install", "-d", "-o", user.name, given]);
  const download = user.machine.shared.file("mcpd");
  await user.ask(download, "install", "--prefix", given);

  const second = await user.run([download, "install", "--json"]);
  expect([second.code, second.stderr + second.stdout]).toEqual([
    77,
    expect.stringContaining(`it runs ${given}/bin/mcpd`),
  ]);
  expect((await user.run(["test", "-e", usual(user)])).code).toBe(1);
  await user.ask(download, "install", "--no-service");
  // Nor does it get there by another door; a receipt may be of a time when it had the service.
  const receipt = `${user.home}/.local/share/mcpd/INSTALL_INFO`;
  await user.ask("sed", "-i", 's/"service": null/"service": "mcpd.service"/', receipt);
  for (const words of [
    ["daemon", "install"],
    ["upgrade", "--from", download, "--unsigned-ok"],
  ]) {
    await user.ask("sed", "-i", 's/"version": "[^"]*"/"version": "0.0.1"/', receipt);
    const { code, stderr: why } = await user.run([usual(user), ...words]);
    expect([words, code, why]).toEqual([
      words,
      77,
      expect.stringContaining(`it runs ${given}/bin/mcpd`),
    ]);
  }
  await user.ask(usual(user), "uninstall", "--keep", "--yes");
  expect(await user.ask(`${given}/bin/mcpd`, "status")).toContain("healthy");

  // The folder itself is root's to remove.
  const { code, stderr } = await user.run([`${given}/bin/mcpd`, "uninstall", "--purge", "--yes"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(await user.ask("find", given, "-mindepth", "1")).toBe("");
});

machineTest("the daemon is found from where another's environment was inherited", async () => {
  const user = await users.next();
  const other = await users.next();
  await user.ask(user.machine.shared.file("mcpd"), "install");
  for (const XDG_RUNTIME_DIR of [null, "", "/no/such", `/run/user/${other.uid}`]) {
    const { code, stdout } = await user.run([usual(user), "status"], { XDG_RUNTIME_DIR });
    expect([XDG_RUNTIME_DIR, code, stdout]).toEqual([
      XDG_RUNTIME_DIR,
      0,
      expect.stringContaining("healthy"),
    ]);
  }
});

machineTest("an install with a config that is wrong succeeds, and tells it", async () => {
  const user = await users.next();
  const config = `${user.home}/.config/mcpd/mcpd.config.json`;
  await user.write(config, "{{{", "600");
  const { code, stderr } = await user.run([user.machine.shared.file("mcpd"), "install"]);
  expect([code, stderr]).toEqual([0, expect.stringContaining(config)]);
  expect(await user.ask("cat", config)).toBe("{{{");
});

machineTest("an install that is killed at any moment is mended by the next", async () => {
  const user = await users.next();
  const download = user.machine.shared.file("mcpd");
  const left = `find ${user.home} -name '*.partial' -o -name '.lock*'`;
  const rounds = [0.06, 0.2, 0.35];
  for (const delay of rounds) {
    await user.run(["timeout", "-s", "KILL", `${delay}`, download, "install"]);
    await user.ask(download, "install");
    const status = await user.ask(usual(user), "status");
    expect([delay, status]).toEqual([delay, expect.stringContaining("healthy")]);
    expect(await user.ask("sh", "-c", left)).toBe("");
    expect((await user.ask("pgrep", "-u", `${user.uid}`, "-fc", "mcpd bootstrap$")).trim()).toBe(
      "1",
    );
    // From nothing as well as over a running one.
    if (delay < 0.2) await user.ask(usual(user), "uninstall", "--purge", "--yes");
  }
});

machineTest(
  "a service whose state directory is removed starts again, and reads its config",
  async () => {
    const user = await users.next();
    await user.ask(user.machine.shared.file("mcpd"), "install");
    const { pid } = JSON.parse(await user.ask(usual(user), "daemon", "status", "--json"));
    await user.ask("rm", "-r", `${user.home}/.local/state/mcpd`);
    await user.ask("chmod", "000", `${user.home}/.config/mcpd/mcpd.config.json`);
    await user.ask("kill", "-KILL", String(pid));
    const verdict = async (): Promise<string> => {
      const { stdout } = await user.run([usual(user), "status", "--json"]);
      return JSON.parse(stdout).verdict;
    };
    await waitFor("the next one", async () => (await verdict()) === "degraded");
    await user.ask("chmod", "600", `${user.home}/.config/mcpd/mcpd.config.json`);
    await waitFor("the config", async () => (await verdict()) === "healthy");
    await user.ask(usual(user), "uninstall", "--purge", "--yes");
  },
);

machineTest("an install whose port another user has succeeds, and its bridges serve", async () => {
  const [first, second] = [await users.next(), await users.next()];
  const program = first.machine.shared.file("mcpd");
  await first.ask(program, "install");
  const { urls } = JSON.parse(await first.ask(program, "status", "--json"));
  const config = JSON.stringify({ daemon: { port: Number(new URL(urls.mcp).port) } });
  await second.write(`${second.home}/.config/mcpd/mcpd.config.json`, config, "600");
  const { code, stderr } = await second.run([program, "install"]);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("does not come up")]);
  const { stdout } = await second.run([program, "status", "--json"]);
  const status = JSON.parse(stdout);
  expect(status).toMatchObject({ urls: null });
  expect(status.conditions).toContainEqual(expect.objectContaining({ name: "port.in-use" }));
});
