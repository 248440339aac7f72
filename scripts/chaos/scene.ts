/** What the chaos goes on in: a home, its daemon, and counting servers near and far. */
import { readFileSync } from "node:fs";

import { Home } from "../../test/e2e/harness.ts";
import { statusOf } from "../../test/e2e/status.ts";
import { freePort } from "../../test/helpers/port.ts";
import { fixture } from "../../test/helpers/program.ts";
import { Service } from "../../test/helpers/service.ts";
import { TemporaryDirectory } from "../../test/helpers/temporary.ts";
import { openTunnel, type Tunnel } from "../../test/helpers/tunnel.ts";
import { MovedClock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { type Keeper, keeperFor } from "./keeper.ts";
import type { Door } from "./writers.ts";

/** Two over stdio and one over Streamable HTTP, behind a network that can be cut. */
export const UPSTREAMS = ["near", "other", "far"] as const;
export type UpstreamName = (typeof UPSTREAMS)[number];

/** Above the longest write, below the longest freeze. */
const TIMEOUT_SECS = 2;

export type SceneOptions = {
  /** Whether a disk is to be filled and the time to be moved, where the machine lets us. */
  readonly disk: boolean;
  readonly clock: boolean;
};

export class Scene implements AsyncDisposable {
  readonly keeper: Keeper;
  readonly far: Service;
  readonly tunnel: Tunnel;
  readonly port: number;
  readonly disk: Disk | string;
  readonly clock: MovedClock | string;
  readonly #home: Home;
  readonly #journals: TemporaryDirectory;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    readonly home: Home;
    readonly keeper: Keeper;
    readonly far: Service;
    readonly tunnel: Tunnel;
    readonly port: number;
    readonly disk: Disk | string;
    readonly clock: MovedClock | string;
    readonly journals: TemporaryDirectory;
    readonly stack: AsyncDisposableStack;
  }) {
    this.keeper = parts.keeper;
    this.far = parts.far;
    this.tunnel = parts.tunnel;
    this.port = parts.port;
    this.disk = parts.disk;
    this.clock = parts.clock;
    this.#home = parts.home;
    this.#journals = parts.journals;
    this.#stack = parts.stack;
  }

  /** Starts everything and returns when the daemon is healthy. */
  static async open(options: SceneOptions): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const journals = stack.use(new TemporaryDirectory());
    const clock = options.clock ? MovedClock.build(journals.path) : "not asked for";
    const home = stack.use(new Home(typeof clock === "string" ? {} : clock.environment));
    const disk = options.disk ? Disk.mount(home.path) : "not asked for";
    if (typeof disk !== "string") stack.use(disk);
    const far = stack.use(
      await Service.start((port) => {
        const { args } = fixture(
          "counter.ts",
          `--port=${port}`,
          `--journal=${journals.file("far")}`,
        );
        return { args: args.slice(1) };
      }),
    );
    const tunnel = stack.use(await openTunnel(far.port));
    const port = freePort();
    const keeper = stack.use(await keeperFor(home, port));
    const parts = { home, keeper, far, tunnel, port, disk, clock, journals };
    const scene = new Scene({ ...parts, stack: stack.move() });
    try {
      scene.writeConfig(0);
      await keeper.start();
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  get door(): Door {
    const key = readFileSync(this.#home.platform.paths.apiKeyFile, "utf8").trim();
    return { home: this.#home, port: this.port, key };
  }

  /** Another generation of an upstream takes the place of the one before. */
  writeConfig(generation: number): void {
    const counter = (name: UpstreamName): object =>
      fixture("counter.ts", `--journal=${this.#journals.file(name)}`);
    this.#home.writeConfig({
      daemon: { port: this.port, auto_start: false, health_check_interval: 1 },
      mcpServers: {
        near: { ...counter("near"), timeout_secs: TIMEOUT_SECS },
        other: {
          ...counter("other"),
          timeout_secs: TIMEOUT_SECS,
          env: { GENERATION: String(generation) },
        },
        far: { url: `http://127.0.0.1:${this.tunnel.port}/mcp`, timeout_secs: TIMEOUT_SECS },
      },
    });
  }

  breakConfig(): void {
    this.#home.writeConfig('{ "mcpServers": { "near": ');
  }

  /** The process of an upstream; null when it has none, or nobody can say. */
  async pidOf(name: UpstreamName): Promise<number | null> {
    const status = await statusOf(this.#home).catch(() => null);
    return status?.upstreams.find((upstream) => upstream.name === name)?.pid ?? null;
  }

  /** What each upstream has carried out, by name. */
  journals(): Map<string, readonly string[]> {
    return new Map(UPSTREAMS.map((name) => [name, this.#linesOf(name)]));
  }

  #linesOf(name: UpstreamName): readonly string[] {
    try {
      return readFileSync(this.#journals.file(name), "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  }

  log(): string {
    return this.#home.log();
  }

  /** Ends the daemon; what it started has ended as well when this resolves. */
  async stop(): Promise<void> {
    await this.keeper[Symbol.asyncDispose]();
    await this.far.crash();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
