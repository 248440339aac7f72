/** How the daemon is kept: by this program, or by `mcpd bootstrap`, which this program keeps. */
import { Daemon, type Home } from "../../test/e2e/harness.ts";
import { processesOf, program } from "../../test/helpers/program.ts";
import { waitFor } from "../../test/helpers/wait.ts";
import { commandLineOf, executableOf, processTree } from "../bench/process.ts";

/** One that was killed several times in a row is started after half a minute at the most. */
const PATIENCE_MS = 45_000;

export interface Keeper extends AsyncDisposable {
  readonly name: "serve" | "bootstrap";
  /** The server that runs just now; null between two. */
  serverPid(): number | null;
  /** Counts the servers so far. */
  readonly incarnation: number;
  /** The first start; resolves when it is healthy. */
  start(): Promise<void>;
  /** kill -9 of the server; resolves when the next one is healthy. */
  killServer(downMs: number): Promise<void>;
  /** kill -9 of the bootstrap and of what it leaves; null without one. */
  readonly killBootstrap: ((downMs: number) => Promise<void>) | null;
}

/** The bootstrap when this binary has one. */
export async function keeperFor(home: Home, port: number): Promise<Keeper> {
  const { exitCode, stdout } = await home.run("help", "bootstrap");
  return exitCode === 0 && stdout.includes("mcpd bootstrap")
    ? new BootstrapKeeper(home, port)
    : new ServeKeeper(home, port);
}

/** `mcpd serve`, started again by this program, on the same port. */
class ServeKeeper implements Keeper {
  readonly name = "serve";
  readonly killBootstrap = null;
  incarnation = 0;
  readonly #home: Home;
  readonly #port: number;
  #daemon: Daemon | null = null;

  constructor(home: Home, port: number) {
    this.#home = home;
    this.#port = port;
  }

  serverPid(): number | null {
    return this.#daemon?.pid ?? null;
  }

  async start(): Promise<void> {
    this.#daemon = await Daemon.start(null, { home: this.#home, port: this.#port });
    this.incarnation++;
  }

  async killServer(downMs: number): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = null;
    await daemon?.kill();
    await Bun.sleep(downMs);
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
  }
}

/** `mcpd bootstrap`, which starts its server again by itself; started again as a service is. */
class BootstrapKeeper implements Keeper {
  readonly name = "bootstrap";
  incarnation = 0;
  readonly #home: Home;
  readonly #port: number;
  #child: Bun.Subprocess | null = null;

  constructor(home: Home, port: number) {
    this.#home = home;
    this.#port = port;
  }

  serverPid(): number | null {
    if (this.#child === null) return null;
    const isServer = (pid: number): boolean =>
      executableOf(pid) === program() && commandLineOf(pid).includes(" serve");
    return processTree(this.#child.pid).find(isServer) ?? null;
  }

  async start(): Promise<void> {
    this.#child = Bun.spawn([program(), "bootstrap"], {
      cwd: this.#home.path,
      env: { ...this.#home.env },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await this.#next(null);
  }

  async killServer(_downMs: number): Promise<void> {
    const pid = this.serverPid();
    if (pid !== null) process.kill(pid, "SIGKILL");
    await this.#next(pid);
  }

  readonly killBootstrap = async (downMs: number): Promise<void> => {
    this.#child?.kill("SIGKILL");
    await this.#child?.exited;
    await Bun.sleep(downMs);
    await this.start();
  };

  /** Resolves when a server other than `before` is healthy. */
  async #next(before: number | null): Promise<void> {
    const isHealthy = async (): Promise<boolean> => {
      const pid = this.serverPid();
      if (pid === null || pid === before) return false;
      const health = await fetch(`http://127.0.0.1:${this.#port}/health`).catch(() => null);
      return health?.ok === true;
    };
    await waitFor("the next server", isHealthy, PATIENCE_MS);
    this.incarnation++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGTERM");
    const nobody = (): boolean => processesOf(this.#home.path).length === 0;
    try {
      await waitFor("the bootstrap, and all it started, to end", nobody);
    } finally {
      for (const pid of processesOf(this.#home.path)) process.kill(pid, "SIGKILL");
    }
  }
}
