/**
 * A machine with a real systemd beside this one, for what only a real user manager can show. It
 * boots in a second, and each user of it has a manager, a home and a session bus of his own.
 */
import { test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./sources.ts";
import { TemporaryDirectory } from "./temporary.ts";
import { waitFor, within } from "./wait.ts";

const SCRIPT = join(ROOT, "test", "fixtures", "service-managers", "machine.sh");
const FIXTURES = join(ROOT, "test", "fixtures", "service-managers");
const PROGRAMS = [
  join(FIXTURES, "standin.ts"),
  join(FIXTURES, "systemd-client.ts"),
  join(ROOT, "test", "fixtures", "process", "constant-client.ts"),
];
const FIRST_UID = 4242;
const BOOT_MS = 30_000;

export type Finished = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};
export type Environment = { readonly [name: string]: string | null };

const CAN_BOOT = canBoot();

/**
 * A test on a machine of its own. Where none can be booted it is not declared, but for the machines
 * that check each change: there it fails.
 */
export function machineTest(
  name: string,
  body: () => void | Promise<void>,
  timeoutMs?: number,
): void {
  if (CAN_BOOT) test(name, body, timeoutMs);
}

export class Machine implements AsyncDisposable {
  /** A directory that inside and outside share, at the same path: bun and programs are in it. */
  readonly shared: TemporaryDirectory;
  readonly #script: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #first: string;
  readonly #becoming: readonly string[];
  #uid = FIRST_UID;

  private constructor(
    script: Machine["script"],
    first: string,
    shared: TemporaryDirectory,
    becoming: readonly string[],
  ) {
    this.#script = script;
    this.#first = first;
    this.shared = shared;
    this.#becoming = becoming;
  }

  /** Its process 1, as it is called out here. */
  get first(): number {
    return Number(this.#first);
  }

  get script(): Bun.Subprocess<"pipe", "pipe", "pipe"> {
    return this.#script;
  }

  static async boot(): Promise<Machine> {
    const shared = new TemporaryDirectory();
    const becoming = becomingRoot() ?? [];
    try {
      chmodSync(shared.path, 0o755);
      await provide(shared);
      const script = Bun.spawn([...becoming, SCRIPT, shared.path], {
        stdio: ["pipe", "pipe", "pipe"],
      });
      const first = await within("the machine to boot", readyLine(script), BOOT_MS);
      return new Machine(script, first, shared, becoming);
    } catch (error) {
      shared[Symbol.dispose]();
      throw error;
    }
  }

  /** A new user, logged in. */
  async user(): Promise<MachineUser> {
    const uid = this.#uid++;
    const name = `user${uid}`;
    const home = `/home/${name}`;
    const made = await this.asRoot(
      ["sh", "-ec"],
      [
        `echo '${name}:x:${uid}:${uid}::${home}:/bin/bash' >>/etc/passwd`,
        `echo '${name}:x:${uid}:' >>/etc/group`,
        `echo '${name}:*:19000:0:99999:7:::' >>/etc/shadow`,
        `mkdir -m 700 -p ${home}`,
        `chown ${uid}:${uid} ${home}`,
        `loginctl enable-linger ${name}`,
      ].join("\n"),
    );
    if (made.code !== 0) throw new Error(`No user was made: ${made.stderr}`);
    const user = new MachineUser(this, name, uid);
    await user.loggedIn();
    return user;
  }

  /** Runs a command as the machine's root. */
  async asRoot(argv: readonly string[], ...more: readonly string[]): Promise<Finished> {
    return await this.enter([], [...argv, ...more], { HOME: "/root" }, "/");
  }

  async enter(
    as: readonly string[],
    argv: readonly string[],
    environment: Environment,
    directory: string,
  ): Promise<Finished> {
    const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const variables = Object.entries({ PATH, LANG: "C.UTF-8", ...environment })
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${name}=${value}`);
    const inside = ["nsenter", "-t", this.#first, "-a", "--wd=/", ...as];
    const command = [...inside, "env", "-C", directory, "-i", ...variables, ...argv];
    const child = Bun.spawn([...this.#becoming, ...command], { stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#script.stdin.end();
    try {
      await within("the machine to end", this.#script.exited);
    } finally {
      this.#script.kill("SIGTERM");
      this.shared[Symbol.dispose]();
    }
  }
}

export class MachineUser {
  readonly machine: Machine;
  readonly name: string;
  readonly uid: number;
  readonly home: string;

  constructor(machine: Machine, name: string, uid: number) {
    this.machine = machine;
    this.name = name;
    this.uid = uid;
    this.home = `/home/${name}`;
  }

  /**
   * Runs a command as this user; a variable that is null is not set. It can be a part of a service,
   * named by its control group.
   */
  async run(
    argv: readonly string[],
    environment: Environment = {},
    group: string | null = null,
  ): Promise<Finished> {
    const id = String(this.uid);
    const runtimeDir = `/run/user/${id}`;
    const own = { HOME: this.home, USER: this.name, LOGNAME: this.name, SHELL: "/bin/bash" };
    return await this.machine.enter(
      [...joining(group), "setpriv", "--reuid", id, "--regid", id, "--init-groups"],
      argv,
      { ...own, XDG_RUNTIME_DIR: runtimeDir, ...environment },
      this.home,
    );
  }

  /** What a command that succeeds prints. */
  async ask(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv);
    if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}: ${stderr}`);
    return stdout.trim();
  }

  /** Writes a file of this user, with its directories. */
  async write(path: string, text: string, mode = "644"): Promise<void> {
    const script = 'mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1"; chmod "$3" "$1"';
    await this.ask("sh", "-ec", script, "sh", path, text, mode);
  }

  /** Logs out and in again, which is what a reboot does to a user's services. */
  async relogin(): Promise<void> {
    await this.machine.asRoot(["systemctl", "restart", `user@${this.uid}.service`]);
    await this.loggedIn();
  }

  async loggedIn(): Promise<void> {
    const bus = `/run/user/${this.uid}/bus`;
    await waitFor("the user's manager", async () => {
      const { code } = await this.machine.asRoot(["test", "-S", bus]);
      return code === 0;
    });
  }

  /** Every file in the home. */
  async files(): Promise<readonly string[]> {
    return (await this.ask("find", this.home, "-mindepth", "1")).split("\n").filter(Boolean).sort();
  }
}

/** What a command is started with to be in a control group. */
function joining(group: string | null): readonly string[] {
  if (group === null) return [];
  return ["sh", "-ec", 'echo $$ >"$0"; exec "$@"', `/sys/fs/cgroup${group}/cgroup.procs`];
}

/** It takes Linux, root or leave to become it, and namespaces, which some containers forbid. */
function canBoot(): boolean {
  if (process.platform !== "linux") return false;
  if (process.env["CI"] !== undefined) return true;
  const becoming = becomingRoot();
  if (becoming === null) return false;
  const unshare = [...becoming, "unshare", "--mount", "--pid", "--fork", "true"];
  return Bun.spawnSync(unshare, { stderr: "ignore" }).success;
}

/** What a command is started with to be root; null where there is no way. */
function becomingRoot(): readonly string[] | null {
  if (process.platform !== "linux") return null;
  if (process.getuid?.() === 0) return [];
  const sudo = Bun.which("sudo");
  if (sudo === null) return null;
  return Bun.spawnSync([sudo, "-n", "true"], { stderr: "ignore" }).success ? [sudo, "-n"] : null;
}

/** Puts what runs inside into the shared directory: users in there cannot read all of this disk. */
async function provide(shared: TemporaryDirectory): Promise<void> {
  copyFileSync(process.execPath, shared.file("bun"));
  chmodSync(shared.file("bun"), 0o755);
  mkdirSync(shared.file("programs"));
  const built = await Bun.build({
    entrypoints: PROGRAMS,
    outdir: shared.file("programs"),
    naming: "[name].js",
    target: "bun",
  });
  if (!built.success)
    throw new Error(
      `Cannot build the fixtures: ${built.logs.map(({ message }) => message).join("\n")}`,
    );
  await Bun.$`chmod -R a+rX ${shared.path}`.quiet();
}

/** Process 1 of the machine, as the script names it once it is up. */
async function readyLine(script: Bun.Subprocess<"pipe", "pipe", "pipe">): Promise<string> {
  const decoder = new TextDecoder();
  const reader = script.stdout.getReader();
  for (let said = ""; ;) {
    const { value, done } = await reader.read();
    if (done) break;
    said += decoder.decode(value, { stream: true });
    const first = /^ready (\d+)$/m.exec(said)?.[1];
    if (first !== undefined) return first;
  }
  const why = await new Response(script.stderr).text();
  throw new Error(`The machine did not boot (${await script.exited}): ${why}`);
}
