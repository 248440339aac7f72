import { afterAll, expect } from "bun:test";

import { machineTest, type MachineUser } from "../helpers/machine.ts";
import { mcpd, Users } from "../helpers/users.ts";
import { waitFor } from "../helpers/wait.ts";

// The whole of it on a machine of its own: an installed copy, kept running by a real systemd.

const users = new Users();

afterAll(() => users[Symbol.asyncDispose]());

async function done(user: MachineUser, ...words: readonly string[]): Promise<string> {
  return await user.ask(user.machine.shared.file("mcpd"), ...words);
}

/** The pid of the server, once it is healthy. */
async function healthy(user: MachineUser): Promise<number> {
  return await waitFor("a healthy daemon", async () => {
    const { code, stdout } = await mcpd(user, "status", "--json");
    const { pid, verdict } = JSON.parse(stdout) as { pid?: number; verdict?: string };
    return code === 0 && verdict === "healthy" && pid;
  });
}

async function servicePid(user: MachineUser): Promise<number> {
  const { pid } = JSON.parse((await mcpd(user, "daemon", "status", "--json")).stdout) as {
    readonly pid: number;
  };
  return pid;
}

machineTest("an installed copy runs as a service, whatever happens to it", async () => {
  const user = await users.next();
  // One in the background makes room.
  await done(user, "start");
  const background = await healthy(user);
  await done(user, "install");
  const first = await healthy(user);
  expect(first).not.toBe(background);
  const installed = `${user.home}/.local/share/mcpd/bin/mcpd`;
  const line = await user.ask("systemctl", "--user", "show", "mcpd", "-p", "ExecStart", "--value");
  expect(line).toContain(`path=${installed} ;`);

  await user.ask("kill", "-KILL", String(first));
  const second = await waitFor("another server", async () => {
    const pid = await healthy(user);
    return pid !== first && pid;
  });
  await user.ask("kill", "-KILL", String(await servicePid(user)));
  const third = await waitFor("another bootstrap", async () => {
    const pid = await healthy(user);
    return pid !== second && pid;
  });
  await user.relogin();
  expect(await healthy(user)).not.toBe(third);

  // Switched off, the service stays; stopped, it goes; both come back.
  await done(user, "stop");
  expect((await mcpd(user, "daemon", "status")).code).toBe(0);
  await done(user, "start");
  await done(user, "daemon", "stop");
  expect((await mcpd(user, "status")).code).toBe(69);
  // To start the daemon is to start its service, if it has one.
  await done(user, "start");
  expect(await servicePid(user)).toBeGreaterThan(0);
  await healthy(user);
  await done(user, "install");
  await healthy(user);

  await done(user, "uninstall", "--yes", "--purge");
  expect((await user.run(["pgrep", "-u", user.name, "mcpd"])).code).toBe(1);
  const left = (await user.files()).filter((path) => /mcpd|systemd/.test(path));
  expect(left).toEqual([]);
});

machineTest("two users have a service each, and neither sees the other's", async () => {
  const [one, other] = [await users.next(), await users.next()];
  await Promise.all([done(one, "daemon", "install"), done(other, "daemon", "install")]);
  const pids = [await healthy(one), await healthy(other)];
  expect(new Set(pids).size).toBe(2);
  await done(one, "daemon", "uninstall");
  expect(await healthy(other)).toBe(pids[1] ?? 0);
  await done(other, "daemon", "uninstall");
});
