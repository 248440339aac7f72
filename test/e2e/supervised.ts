/** Runs `mcpd bootstrap` as a service manager would, in a home of its own. */
import { readFileSync } from "node:fs";

import { ControlClient } from "../../src/control/client.ts";
import type { BootstrapApi, BootstrapStatus } from "../../src/control/supervision.ts";
import { FaultError } from "../../src/core/fault.ts";
import { processesOf, program } from "../helpers/program.ts";
import { waitFor, within } from "../helpers/wait.ts";
import { type Environment, Home } from "./harness.ts";

type SupervisedOptions = {
  readonly home?: Home;
  /** Do not wait until the server is ready. */
  readonly early?: boolean;
  /** More words on its command line. */
  readonly words?: readonly string[];
  /** More environment for it alone. */
  readonly env?: Environment;
};

export class Supervised implements AsyncDisposable {
  readonly home: Home;
  readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #ownsHome: boolean;

  private constructor(home: Home, ownsHome: boolean, { words = [], env }: SupervisedOptions) {
    this.home = home;
    this.#ownsHome = ownsHome;
    this.child = Bun.spawn([program(), "bootstrap", ...words], {
      cwd: home.path,
      env: { ...home.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  /** Starts it; a `config` of null keeps the file. */
  static async start(
    config: object | string | null,
    options: SupervisedOptions = {},
  ): Promise<Supervised> {
    const home = options.home ?? new Home();
    if (config !== null) home.writeConfig(config);
    const supervised = new Supervised(home, options.home === undefined, options);
    if (options.early !== true) await supervised.until(({ server }) => server.state === "ready");
    return supervised;
  }

  /** The bootstrap's status; null when it does not answer. */
  status(): Promise<BootstrapStatus | null> {
    return bootstrapStatus(this.home);
  }

  /** Waits until the status is as wanted, and returns it. */
  async until(wanted: (status: BootstrapStatus) => boolean): Promise<BootstrapStatus> {
    let last: BootstrapStatus | null = null;
    return await waitFor("the bootstrap's status", async () => {
      last = await this.status();
      return last !== null && wanted(last) ? last : null;
    }).catch((error: unknown) => {
      const log = this.home.log("bootstrap.log");
      throw new Error(`${String(error)}: ${JSON.stringify(last)}\n${log}`, { cause: error });
    });
  }

  /** The pid of the server that is ready. */
  async serverPid(): Promise<number> {
    const { server } = await this.until((status) => status.server.state === "ready");
    return server.pid ?? 0;
  }

  get key(): string {
    return readFileSync(this.home.platform.paths.apiKeyFile, "utf8").trim();
  }

  /** Asks it to end, returns its exit code, and throws when a process stays. */
  async stop(): Promise<number> {
    this.child.kill("SIGTERM");
    const exitCode = await within("the bootstrap to end", this.child.exited);
    await nobodyIn(this.home);
    return exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.child.exitCode === null && this.child.signalCode === null) await this.stop();
    } finally {
      this.child.kill("SIGKILL");
      for (const pid of processesOf(this.home.path)) process.kill(pid, "SIGKILL");
      if (this.#ownsHome) this.home[Symbol.dispose]();
    }
  }
}

async function bootstrapStatus(home: Home): Promise<BootstrapStatus | null> {
  try {
    const address = home.platform.paths.bootstrapAddress;
    const client = await ControlClient.connect<BootstrapApi>(address);
    const asked = client.request("mcpd/bootstrap", {}, { timeoutMs: 5_000 });
    return await asked.finally(() => client.close());
  } catch (error) {
    if (error instanceof FaultError) return null;
    throw error;
  }
}

/** Waits until no process of this home is left. */
export async function nobodyIn(home: Home): Promise<void> {
  await waitFor("every process of this home to end", () => processesOf(home.path).length === 0);
}
