import { afterAll, describe, expect } from "bun:test";

import type { ServiceState } from "../../src/platform/service.ts";
import { machineTest, type MachineUser } from "../helpers/machine.ts";
import { mcpd, Users } from "../helpers/users.ts";
import { waitFor } from "../helpers/wait.ts";

// `mcpd daemon` as a user types it, on a machine of its own with a real systemd.

const users = new Users();

afterAll(() => users[Symbol.asyncDispose]());

type Told = ServiceState & { readonly service: string; readonly label: string };

async function told(user: MachineUser, ...words: readonly string[]): Promise<Told> {
  const { code, stdout, stderr } = await mcpd(user, ...words, "--json");
  if (stdout === "") throw new Error(`mcpd ${words.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as Told;
}

/** Has the service run the stand-in, by a template of the user's own. */
async function useStandIn(user: MachineUser): Promise<void> {
  const shared = user.machine.shared;
  const { stdout } = await mcpd(user, "daemon", "template");
  const standIn = `${shared.file("bun")} ${shared.file("programs")}/standin.js`;
  const path = `${user.home}/.config/mcpd/templates/mcpd.service`;
  await user.write(path, stdout.replace("{{program}}", standIn));
}

describe("mcpd daemon", () => {
  machineTest("installs, stops, starts and takes out a service", async () => {
    const user = await users.next();
    await user.write(`${user.home}/.profile`, 'PATH="/from/profile:$PATH"\n');
    expect((await mcpd(user, "daemon", "status")).code).toBe(1);
    await useStandIn(user);
    const before = await user.files();

    const installed = await mcpd(user, "daemon", "install");
    expect(installed.stderr).toContain("is no installed copy");
    expect([installed.code, installed.stdout.split("\n")[0]]).toEqual([
      0,
      "service  mcpd.service (systemd)",
    ]);
    const standIn = `${user.home}/.local/state/mcpd/standin.json`;
    expect(JSON.parse(await user.ask("cat", standIn))).toMatchObject({
      words: ["bootstrap"],
      path: expect.stringMatching(/^\/from\/profile:/),
      cwd: `${user.home}/.local/state/mcpd`,
    });
    expect((await mcpd(user, "daemon", "status")).code).toBe(0);
    const first = await told(user, "daemon", "status");
    expect(first).toMatchObject({ registered: true, enabled: true, running: true });

    const again = await told(user, "daemon", "install");
    expect([again.running, again.pid === first.pid]).toEqual([true, false]);
    expect((await mcpd(user, "daemon", "stop")).stdout).toBe("mcpd.service is stopped\n");
    expect(await told(user, "daemon", "status")).toMatchObject({ enabled: true, running: false });
    expect((await mcpd(user, "daemon", "status")).code).toBe(1);
    expect((await mcpd(user, "daemon", "start")).stdout).toMatch(
      /^mcpd.service runs \(pid \d+\)$/m,
    );
    await user.relogin();
    await waitFor("the service", async () => (await told(user, "daemon", "status")).running);

    expect((await mcpd(user, "daemon", "uninstall")).stdout).toBe("mcpd.service is taken out\n");
    await user.ask("rm", "-r", `${user.home}/.local/state/mcpd`);
    const dirs = [`${user.home}/.local`, `${user.home}/.local/state`];
    expect((await user.files()).filter((path) => !dirs.includes(path))).toEqual([...before]);
    const nothing = await mcpd(user, "daemon", "uninstall");
    expect([nothing.code, nothing.stdout]).toEqual([
      0,
      "mcpd.service was not registered: there is nothing to take out\n",
    ]);
  });

  machineTest("says what failed when the program does not start, and leaves nothing", async () => {
    const user = await users.next();
    await useStandIn(user);
    await user.write(`${user.home}/.local/state/mcpd/mode`, "fail");
    const { code, stderr } = await mcpd(user, "daemon", "install");
    expect(code).toBe(69);
    expect(stderr).toContain("mcpd: Cannot restart mcpd.service");
    expect((await told(user, "daemon", "status")).registered).toBe(false);
  });

  machineTest("installs with lingering, or tells how to get it", async () => {
    const user = await users.next();
    await useStandIn(user);
    await user.machine.asRoot(["loginctl", "disable-linger", user.name]);
    const session = `/run/user/${user.uid}`;
    // A session keeps the manager, as it does for somebody who has logged in.
    await user.machine.asRoot(["systemctl", "start", `user@${user.uid}.service`]);
    await waitFor(
      "the bus",
      async () => (await user.run(["test", "-S", `${session}/bus`])).code === 0,
    );
    const { code, stdout, stderr } = await mcpd(user, "daemon", "install", "--linger");
    expect(code).toBe(0);
    if (stderr.includes("Cannot let")) {
      expect(stderr).toContain(`Run 'sudo loginctl enable-linger ${user.name}'`);
      expect(stdout).toContain(`To keep it running: loginctl enable-linger ${user.name}`);
    } else {
      expect(stdout).not.toContain("enable-linger");
    }
  });

  machineTest("is refused to root, and tells what to do without a manager", async () => {
    const user = await users.next();
    const file = user.machine.shared.file("mcpd");
    const root = await user.machine.asRoot([file, "daemon", "install"]);
    expect([root.code, root.stderr.includes("Refusing to run as root")]).toEqual([77, true]);
    const other = { HOME: "/var/empty" };
    const elsewhere = await user.run([file, "daemon", "install"], other);
    expect(elsewhere.code).toBe(69);
    expect(elsewhere.stderr).toContain("Run 'mcpd start'");
  });

  machineTest("keeps the places that a shell knows and a manager does not", async () => {
    const user = await users.next();
    const XDG_STATE_HOME = `${user.home}/state of "mine"`;
    const dry = [user.machine.shared.file("mcpd"), "daemon", "install", "--dry-run"];
    const { stdout } = await user.run(dry, { XDG_STATE_HOME });
    expect(stdout).toContain(`WorkingDirectory=-${XDG_STATE_HOME}/mcpd`);
    expect(stdout).toContain(`"XDG_STATE_HOME=${XDG_STATE_HOME.replaceAll('"', '\\"')}"`);
  });
});
