/** The ways on which mcpd itself connects a coding client: `mcpd setup` and `mcpd gateway`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { layoutOf } from "../../src/install/layout.ts";
import { Daemon, Home } from "../../test/e2e/harness.ts";
import { freePort } from "../../test/helpers/port.ts";
import { program, realServer } from "../../test/helpers/program.ts";
import { type Coder, expectCall } from "./coders.ts";
import type { Environment, Installed } from "./kit.ts";
import type { Guest, Way } from "./visit.ts";

export type InstalledCoder = { readonly coder: Coder; readonly installed: Installed };

const UPSTREAM = "everything";
const SERVER = realServer(UPSTREAM);

/**
 * A home in which these clients run a server of their own each, until `mcpd setup`. With a service,
 * or what looks like one to setup, those that can are told to use HTTP.
 */
export class SetUpHome implements AsyncDisposable {
  readonly #daemon: Daemon;
  readonly #environment: Environment;

  private constructor(daemon: Daemon, environment: Environment) {
    this.#daemon = daemon;
    this.#environment = environment;
  }

  static async open(
    coders: readonly InstalledCoder[],
    options: { readonly service: boolean; readonly environment: Environment },
  ): Promise<SetUpHome> {
    // Clients hand on little of their environment: their bridge looks where it looks without it.
    const home = new Home({ XDG_RUNTIME_DIR: "" });
    const port = freePort();
    home.writeConfig({ daemon: { port } });
    const daemon = await Daemon.start(null, { home, port });
    const opened = new SetUpHome(daemon, options.environment);
    if (options.service) pretendService(home);
    for (const { coder, installed } of coders) {
      coder.prepare?.(home.path);
      await coder.add({ ...opened.guest(installed), way: OWN_SERVER }, UPSTREAM);
    }
    return opened;
  }

  /** Returns what setup said. */
  async setUp(): Promise<string> {
    const { stdout, stderr, exitCode } = await this.#daemon.run("setup", "--yes");
    if (exitCode !== 0) throw new Error(`mcpd setup: ${stderr}`);
    return stdout;
  }

  async expectConnected({ coder, installed }: InstalledCoder): Promise<string> {
    const guest = this.guest(installed);
    await coder.expectConnected(guest);
    await expectCall(coder, guest, []);
    return "mcpd setup; connected, a call for a model";
  }

  guest(installed: Installed): Guest {
    const { path } = this.#daemon.home;
    return { installed, home: path, env: { ...this.#environment, HOME: path } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon[Symbol.asyncDispose]();
    this.#daemon.home[Symbol.dispose]();
  }
}

const [command, ...args] = [SERVER.command, ...SERVER.args];
const OWN_SERVER: Way = { wire: "bridge", url: "", command: [command, ...args], key: null };

function pretendService({ platform }: Home): void {
  const { infoFile } = layoutOf(platform.paths);
  mkdirSync(dirname(infoFile), { recursive: true });
  writeFileSync(infoFile, JSON.stringify({ service: "systemd" }));
}

/** `mcpd gateway` with a client that does not know mcpd. */
export async function expectGateway(
  daemon: Daemon,
  { coder, installed }: InstalledCoder,
  environment: Environment,
): Promise<string> {
  const { path, env } = daemon.home;
  coder.prepare?.(path);
  const guest = { installed, home: path, env: { ...env, ...environment } };
  const words = [program(), "gateway", "--json", "--timeout", "50", "--"];
  const report = JSON.parse(await expectCall(coder, guest, words)) as { readonly exitCode: number };
  if (report.exitCode !== 0) throw new Error(`it ended with ${report.exitCode}`);
  return "mcpd gateway: a call for a model";
}
