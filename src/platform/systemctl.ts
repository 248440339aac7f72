import { existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";

import type { Environment } from "./platform.ts";
import type { ToolResult, ToolRunner } from "./run.ts";

/** Starting waits for readiness, for which systemd has 90 seconds, and stopping for 20. */
const JOB_TIMEOUT_MS = 150_000;
const TOOL_DIRECTORIES = ["/usr/bin", "/bin", "/run/current-system/sw/bin"];

export type SystemctlHost = {
  readonly run: ToolRunner;
  readonly environment: Environment;
  readonly user: { readonly name: string; readonly home: string; readonly uid: number };
};

/** The tools of systemd, pointed at this user's own manager. */
export class Systemctl {
  readonly #host: SystemctlHost;
  readonly #runtimeDir: string | null;
  /** The home that the manager works in, if it is not the one we were given. */
  #otherHome: string | null = null;

  constructor(host: SystemctlHost) {
    this.#host = host;
    this.#runtimeDir = runtimeDir(host.environment, host.user.uid);
  }

  /** What it starts in another home would use other files than we do: then it is not ours. */
  async compareHomes(): Promise<void> {
    if (this.#runtimeDir === null) return;
    const { stdout } = await this.systemctl("show-environment");
    const home = /^HOME=(\/.*)$/m.exec(stdout)?.[1];
    if (home === undefined || isSameDirectory(home, this.#host.user.home)) return;
    this.#otherHome = home;
  }

  /** Why there is no manager to ask; null when there is one. */
  absent(): string | null {
    const { name, home } = this.#host.user;
    if (this.#otherHome !== null) return `its home is ${this.#otherHome}, and HOME says ${home}`;
    if (this.#runtimeDir !== null) return null;
    if (!existsSync("/run/systemd/system")) return "this machine is not run by systemd";
    return `this user (${name}) has no manager: log in, or let it linger`;
  }

  async systemctl(...words: readonly string[]): Promise<ToolResult> {
    const absent = this.absent();
    if (absent !== null) return { code: 1, stdout: "", stderr: absent };
    return await this.tool("systemctl", "--user", "--no-ask-password", ...words);
  }

  async tool(name: string, ...words: readonly string[]): Promise<ToolResult> {
    const paths = TOOL_DIRECTORIES.map((directory) => join(directory, name));
    const path = paths.find((candidate) => existsSync(candidate));
    if (path === undefined) return { code: 127, stdout: "", stderr: `there is no ${name}` };
    const environment = {
      PATH: TOOL_DIRECTORIES.join(":"),
      HOME: this.#host.user.home,
      LC_ALL: "C.UTF-8",
      // What sudo and su leave standing names another user's bus.
      ...(this.#runtimeDir === null ? {} : { XDG_RUNTIME_DIR: this.#runtimeDir }),
    };
    return await this.#host.run([path, ...words], { environment, timeoutMs: JOB_TIMEOUT_MS });
  }
}

/** Where this user's manager listens, whatever XDG_RUNTIME_DIR says; null when there is none. */
function runtimeDir(environment: Environment, uid: number): string | null {
  const places = [environment["XDG_RUNTIME_DIR"], `/run/user/${uid}`];
  const isManagers = (place: string): boolean =>
    lstatSync(place, { throwIfNoEntry: false })?.uid === uid &&
    (existsSync(join(place, "bus")) || existsSync(join(place, "systemd", "private")));
  return places.filter((place) => place !== undefined).find(isManagers) ?? null;
}

function isSameDirectory(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => statSync(path, { throwIfNoEntry: false }));
  return a !== undefined && a.ino === b?.ino && a.dev === b.dev;
}
