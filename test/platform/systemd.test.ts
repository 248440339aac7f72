import { afterAll, describe, expect } from "bun:test";
import { join } from "node:path";

import type { Fault } from "../../src/core/fault.ts";
import type { ServiceSpec, ServiceState } from "../../src/platform/service.ts";
import type { Wish } from "../fixtures/service-managers/systemd-client.ts";
import { type Environment, Machine, machineTest, type MachineUser } from "../helpers/machine.ts";
import { ROOT } from "../helpers/sources.ts";
import { waitFor } from "../helpers/wait.ts";

// The adapter with the real thing: a systemd of its own, and a new user for each test.

let booting: Promise<Machine> | undefined;

afterAll(async () => {
  await (await booting)?.[Symbol.asyncDispose]();
});

/** A user, and what the adapter does for him. */
class Scene {
  readonly user: MachineUser;
  readonly spec: ServiceSpec;

  private constructor(user: MachineUser, spec: ServiceSpec) {
    this.user = user;
    this.spec = spec;
  }

  /** `folder` is where program and state are, in the home. */
  static async open(folder = "programs"): Promise<Scene> {
    booting ??= Machine.boot();
    const machine = await booting;
    const user = await machine.user();
    const root = `${user.home}/${folder}`;
    const programs = machine.shared.file("programs");
    const script = `#!/bin/sh\nexec ${machine.shared.file("bun")} ${programs}/standin.js "$@"\n`;
    await user.write(`${root}/mcpd`, script, "755");
    return new Scene(user, {
      program: `${root}/mcpd`,
      arguments: ["bootstrap"],
      workingDir: `${root}/state`,
      path: `${root}/bin:/usr/bin:/bin`,
      logFile: `${root}/bootstrap.log`,
    });
  }

  async wish<T>(verb: Wish["verb"], more: Partial<Wish> = {}, env: Environment = {}): Promise<T> {
    const { code, stdout, stderr } = await this.user.run(this.#client(verb, more), env);
    if (code !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as T;
  }

  /** The same from inside of the service, by which the client may be ended. */
  async wishInside(verb: Wish["verb"]): Promise<void> {
    const group = await this.property("ControlGroup");
    await this.user.run(this.#client(verb), {}, group);
  }

  #client(verb: Wish["verb"], more: Partial<Wish> = {}): readonly string[] {
    const { shared } = this.user.machine;
    const wish = JSON.stringify({ verb, spec: this.spec, ...more });
    return [shared.file("bun"), shared.file("programs", "systemd-client.js"), wish];
  }

  async state(env: Environment = {}): Promise<ServiceState> {
    return await this.wish<ServiceState>("state", {}, env);
  }

  async property(name: string): Promise<string> {
    return await this.user.ask(
      "systemctl",
      "--user",
      "show",
      "mcpd.service",
      "-p",
      name,
      "--value",
    );
  }

  /** What the stand-in says about itself. */
  async standin(): Promise<{ readonly [key: string]: unknown }> {
    return JSON.parse(await this.user.ask("cat", `${this.spec.workingDir}/standin.json`));
  }

  async events(): Promise<readonly string[]> {
    return (await this.user.ask("cat", `${this.spec.workingDir}/events.txt`)).split("\n");
  }

  async setMode(mode: string): Promise<void> {
    await this.user.write(`${this.spec.workingDir}/mode`, mode);
  }
}

describe("Systemd", () => {
  machineTest("registers a unit that runs now and after the next login", async () => {
    const scene = await Scene.open();
    expect((await scene.state()).registered).toBe(false);
    expect(await scene.wish("register")).toBeNull();
    const before = await scene.state();
    expect(before).toMatchObject({ registered: true, enabled: true, running: true, notes: [] });
    expect(before.detail).toBe("active (running)");
    expect(await scene.standin()).toMatchObject({
      pid: before.pid,
      cwd: scene.spec.workingDir,
      words: ["bootstrap"],
      path: scene.spec.path,
      umask: 0o077,
      bun: null,
    });
    const unit = `${scene.user.home}/.config/systemd/user/mcpd.service`;
    expect(await scene.user.ask("stat", "-c", "%a", unit)).toBe("644");
    expect((await scene.user.run(["systemd-analyze", "--user", "verify", unit])).stderr).toBe("");
    await scene.user.relogin();
    const after = await waitFor("the service after a login", async () => {
      const state = await scene.state();
      return state.running && state;
    });
    expect(after.pid).not.toBe(before.pid);
  });

  machineTest("has a killed one started again, and leaves one down that was stopped", async () => {
    const scene = await Scene.open();
    expect(await scene.wish("register")).toBeNull();
    const { pid } = await scene.state();
    await scene.user.ask("kill", "-KILL", String(pid));
    const again = await waitFor("the restart", async () => {
      const state = await scene.state();
      return state.running && state.pid !== pid && state;
    });
    expect(again.detail).toContain("restarted 1 times");
    expect(await scene.wish("stop")).toBeNull();
    expect(await scene.state()).toMatchObject({ registered: true, enabled: true, running: false });
    expect((await scene.events()).at(-1)).toBe("asked to end");
    expect(await scene.property("Result")).toBe("success");
    expect(await scene.wish("start")).toBeNull();
    const { pid: third } = await scene.state();
    expect(await scene.wish("restart")).toBeNull();
    const fourth = await scene.state();
    expect(fourth.running).toBe(true);
    expect(fourth.pid).not.toBe(third);
  });

  machineTest("has one restarted that hangs", async () => {
    const scene = await Scene.open();
    const unit = (await scene.wish<{ text: string }>("definition")).text;
    await scene.user.write(
      `${scene.user.home}/templates/mcpd.service`,
      unit.replace("WatchdogSec=60", "WatchdogSec=1"),
    );
    expect(await scene.wish("register")).toBeNull();
    await scene.setMode("hang");
    await waitFor("the watchdog", async () => (await scene.property("NRestarts")) !== "0");
  });

  machineTest("restarts a running one that is registered again", async () => {
    const scene = await Scene.open();
    expect(await scene.wish("register")).toBeNull();
    const { pid } = await scene.state();
    const spec = { ...scene.spec, arguments: ["bootstrap", "--anew"] };
    expect(await scene.wish("register", { spec })).toBeNull();
    const after = await scene.state();
    expect([after.running, after.pid === pid]).toEqual([true, false]);
    expect((await scene.standin())["words"]).toEqual(["bootstrap", "--anew"]);
  });

  machineTest("ends one that was started by hand, since there is room for one", async () => {
    const scene = await Scene.open();
    const { user } = scene;
    const start = 'setsid sleep 600 >/dev/null 2>&1 & echo $! >"$HOME/unkept"';
    for (const verb of ["register", "start", "restart"] as const) {
      if (verb !== "register") expect(await scene.wish("stop")).toBeNull();
      await user.ask("sh", "-c", start);
      expect(await scene.wish(verb)).toBeNull();
      expect((await user.run(["pgrep", "-u", user.name, "sleep"])).code).toBe(1);
    }
    expect((await scene.state()).running).toBe(true);
  });

  machineTest("takes it out without a trace", async () => {
    const scene = await Scene.open();
    const before = await scene.user.files();
    expect(await scene.wish("register")).toBeNull();
    const { pid } = await scene.state();
    expect(await scene.wish("unregister")).toBeNull();
    expect(await scene.state()).toMatchObject({ registered: false, running: false, notes: [] });
    expect(await scene.property("LoadState")).toBe("not-found");
    expect((await scene.user.run(["kill", "-0", String(pid)])).code).not.toBe(0);
    await scene.user.ask("rm", "-r", scene.spec.workingDir);
    // What the user had before is there, and the directory that is everybody's.
    const config = `${scene.user.home}/.config`;
    expect(await scene.user.files()).toEqual([...before, config].sort());
    expect(await scene.wish("unregister")).toBeNull();
    for (const verb of ["start", "stop", "restart"] as const) {
      expect((await scene.wish<Fault>(verb)).code).toBe("service.missing");
    }
  });

  machineTest("leaves nothing registered when the program does not start", async () => {
    const scene = await Scene.open();
    await scene.setMode("fail");
    const problem = await scene.wish<Fault>("register");
    expect(problem.code).toBe("service.failed");
    expect(problem.text).toContain("Cannot restart mcpd.service");
    expect(problem.text).toContain("Job for mcpd.service failed");
    expect(await scene.state()).toMatchObject({ registered: false, running: false });
  });

  machineTest("takes a program for started that cannot say so, if told", async () => {
    const scene = await Scene.open();
    await scene.setMode("silent");
    expect(await scene.wish("register", { startType: "exec" })).toBeNull();
    expect((await scene.state()).running).toBe(true);
    expect(await scene.property("WatchdogUSec")).toBe("0");
  });

  machineTest("takes paths with spaces, %, $ and letters of any language", async () => {
    const scene = await Scene.open("Größe 100%n $HOME ${USER}");
    const words = ["bootstrap", "$HOME ${USER}", "%h", 'a"b\\c', "'", "ü"];
    const spec = { ...scene.spec, arguments: words, workingDir: `${scene.spec.workingDir}'s "x"` };
    expect(await scene.wish("register", { spec })).toBeNull();
    const said = await scene.user.ask("cat", `${spec.workingDir}/standin.json`);
    expect(JSON.parse(said)).toMatchObject({ words, cwd: spec.workingDir, path: spec.path });
  });

  machineTest("refuses what systemd cannot start, by name", async () => {
    const scene = await Scene.open();
    for (const strange of ['"', "'", "\\", "\n"]) {
      const spec = { ...scene.spec, program: `${scene.user.home}/a${strange}b/mcpd` };
      expect((await scene.wish<Fault>("register", { spec })).code).toBe("service.path");
    }
    const relative = { ...scene.spec, program: "mcpd" };
    expect((await scene.wish<Fault>("definition", { spec: relative })).text).toBe(
      "systemd cannot start mcpd: the path is not absolute",
    );
    expect(await scene.state()).toMatchObject({ registered: false });
  });

  machineTest("writes where the manager looks, whatever the shell says", async () => {
    const scene = await Scene.open();
    const mine = { XDG_CONFIG_HOME: `${scene.user.home}/elsewhere` };
    expect(await scene.wish("register", {}, mine)).toBeNull();
    expect(await scene.state(mine)).toMatchObject({ enabled: true, running: true });
    expect(await scene.user.files()).not.toContain(mine.XDG_CONFIG_HOME);
    // And the other way round: a manager that was told another place.
    const set = `${scene.user.home}/config`;
    const dropIn = `/etc/systemd/system/user@${scene.user.uid}.service.d`;
    const text = `[Service]\nEnvironment=XDG_CONFIG_HOME=${set}\n`;
    const { machine } = scene.user;
    expect(await scene.wish("unregister")).toBeNull();
    const write = 'mkdir -p "$1"; printf "$2" >"$1/x.conf"; systemctl daemon-reload';
    await machine.asRoot(["sh", "-ec", write, "sh", dropIn, text]);
    await scene.user.relogin();
    expect(await scene.wish("register")).toBeNull();
    expect(await scene.user.files()).toContain(`${set}/systemd/user/mcpd.service`);
    expect((await scene.state()).running).toBe(true);
  });

  machineTest("finds the manager when XDG_RUNTIME_DIR is missing or another's", async () => {
    const scene = await Scene.open();
    const other = await scene.user.machine.user();
    for (const XDG_RUNTIME_DIR of [null, `/run/user/${other.uid}`, "/no/such", "/run/user/0"]) {
      const DBUS_SESSION_BUS_ADDRESS = `unix:path=/run/user/${other.uid}/bus`;
      const env = { XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS };
      expect(await scene.wish("unavailable", {}, env)).toBeNull();
      expect(await scene.wish("register", {}, env)).toBeNull();
      expect((await scene.state(env)).running).toBe(true);
    }
  });

  machineTest("restarts it and takes it out also from inside", async () => {
    const scene = await Scene.open();
    expect(await scene.wish("register")).toBeNull();
    const { pid } = await scene.state();
    await scene.wishInside("restart");
    await waitFor("another one", async () => {
      const state = await scene.state();
      return state.running && state.pid !== pid;
    });
    await scene.wishInside("unregister");
    await waitFor("the end", async () => (await scene.property("LoadState")) === "not-found");
    expect(await scene.user.files()).not.toContain(`${scene.user.home}/.config/systemd`);
    expect((await scene.user.run(["pgrep", "-u", scene.user.name, "-f", "standin"])).code).toBe(1);
  });

  machineTest("runs in the confinement that SECURITY.md shows", async () => {
    const scene = await Scene.open();
    const security = await Bun.file(join(ROOT, ".github", "SECURITY.md")).text();
    const confinement = /^```ini\n([\s\S]*?)^```/m.exec(security)?.[1] ?? "";
    expect(confinement).toContain("[Service]");
    const directory = `${scene.user.home}/.config/systemd/user/mcpd.service.d`;
    await scene.user.write(`${directory}/confine.conf`, confinement);
    expect(await scene.wish("register")).toBeNull();
    const { pid } = await scene.state();
    expect((await scene.standin())["pid"]).toBe(pid);
    const status = await scene.user.ask("cat", `/proc/${pid}/status`);
    expect(status).toContain("NoNewPrivs:\t1");
    const root = /^\S+ \S+ \S+ \/ \/ (\S+)/m.exec(
      await scene.user.ask("cat", `/proc/${pid}/mountinfo`),
    );
    expect(root?.[1]).toStartWith("ro,");
    // What is the user's own stays when ours goes.
    expect(await scene.wish("unregister")).toBeNull();
    expect(await scene.user.files()).toContain(`${directory}/confine.conf`);
  });

  machineTest("is not taken for the manager of another home", async () => {
    const scene = await Scene.open();
    expect(await scene.wish("register")).toBeNull();
    const HOME = `${scene.user.home}/other`;
    await scene.user.ask("mkdir", HOME);
    const problem = await scene.wish<Fault>("unavailable", {}, { HOME });
    expect(problem.text).toBe(
      `Cannot use systemd: its home is ${scene.user.home}, and HOME says ${HOME}`,
    );
    expect((await scene.wish<Fault>("register", {}, { HOME })).code).toBe("service.unavailable");
    expect(await scene.wish("unregister", {}, { HOME })).toBeNull();
    expect((await scene.state()).running).toBe(true);
  });

  machineTest("keeps two users apart", async () => {
    const [one, other] = [await Scene.open(), await Scene.open()];
    expect(await one.wish("register")).toBeNull();
    expect((await other.state()).registered).toBe(false);
    expect(await other.wish("register")).toBeNull();
    expect((await other.state()).pid).not.toBe((await one.state()).pid);
    expect(await one.wish("unregister")).toBeNull();
    expect((await other.state()).running).toBe(true);
  });

  machineTest("says that there is no manager, and takes out what is left without one", async () => {
    const scene = await Scene.open();
    expect(await scene.wish("register")).toBeNull();
    const { name, uid, machine, home } = scene.user;
    await machine.asRoot([
      "sh",
      "-ec",
      `loginctl disable-linger ${name}; loginctl terminate-user ${name}`,
    ]);
    await machine.asRoot([
      "systemctl",
      "stop",
      `user@${uid}.service`,
      `user-runtime-dir@${uid}.service`,
    ]);
    const problem = await scene.wish<Fault>("unavailable");
    expect(problem.code).toBe("service.unavailable");
    expect(problem.text).toBe(
      `Cannot use systemd: this user (${name}) has no manager: log in, or let it linger`,
    );
    expect((await scene.wish<Fault>("start")).code).toBe("service.unavailable");
    expect((await scene.wish<Fault>("register")).code).toBe("service.unavailable");
    expect(await scene.state()).toMatchObject({ registered: true, enabled: true, running: false });
    expect(await scene.wish("unregister")).toBeNull();
    expect(await scene.state()).toMatchObject({ registered: false, enabled: false });
    expect(await scene.user.files()).not.toContain(`${home}/.config/systemd`);
  });

  machineTest("explains lingering, and asks for it only when told to", async () => {
    const scene = await Scene.open();
    const { name, machine } = scene.user;
    expect(await scene.wish("register")).toBeNull();
    await machine.asRoot(["loginctl", "disable-linger", name]);
    expect((await scene.state()).notes).toEqual([
      {
        text: "It ends when you log out of this machine, and starts when you log in",
        hint: `To keep it running: loginctl enable-linger ${name}`,
      },
    ]);
    // The policy that lets people linger is polkit's; the machine may have none.
    const problem = await scene.wish<Fault | null>("linger");
    if (problem === null) expect((await scene.state()).notes).toEqual([]);
    else expect(problem).toMatchObject({ code: "service.linger", subject: name });
    await machine.asRoot(["loginctl", "enable-linger", name]);
    expect(await scene.wish("linger")).toBeNull();
    expect((await scene.state()).notes).toEqual([]);
  });

  machineTest("takes the user's template, and names the line of a mistake in it", async () => {
    const scene = await Scene.open();
    const template = `${scene.user.home}/templates/mcpd.service`;
    await scene.user.write(
      template,
      "[Service]\nExecStart={{ program }} mine\nWorkingDirectory={{working_dir}}\n" +
        "[Install]\nWantedBy=default.target\n",
    );
    expect(await scene.wish("register", { startType: "exec" })).toBeNull();
    await waitFor("the program", async () => (await scene.standin().catch(() => null)) !== null);
    expect((await scene.standin())["words"]).toEqual(["mine"]);
    await scene.user.write(template, "[Service]\nExecStart={{progam}}\n");
    const problem = await scene.wish<Fault>("register");
    expect(problem.text).toBe(
      `Unknown placeholder {{progam}} in ${template}, line 2. Did you mean "program"?`,
    );
    expect(problem).toMatchObject({ code: "service.template", subject: template });
    await scene.user.ask("rm", template);
    await scene.user.ask("mkdir", template);
    const unreadable = await scene.wish<Fault>("register");
    expect(unreadable.text).toBe(`Cannot read the template ${template}: it is a directory`);
  });
});
