/**
 * Runs the compiled program as a user would, in a home of its own, and makes sure that nothing of
 * it is left: `await using daemon = await Daemon.start({ mcpServers: { echo: fixture("echo.ts") }
 * })`.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { ControlClient } from "../../src/control/client.ts";
import { pickPlatform } from "../../src/platform/pick.ts";
import type { Platform } from "../../src/platform/platform.ts";
import { McpHttp, type McpHttpOptions } from "../helpers/mcp-http.ts";
import { processesOf, program } from "../helpers/program.ts";
import { TemporaryDirectory } from "../helpers/temporary.ts";
import { waitFor, within } from "../helpers/wait.ts";

export type Environment = { readonly [name: string]: string };
export type Finished = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
};
export type Urls = { readonly mcp: string; readonly sse: string; readonly health: string };

export type DaemonOptions = {
  /** More environment for the daemon and for `run`. */
  readonly env?: Environment;
  /** More words after `serve --foreground --port 0`. */
  readonly args?: readonly string[];
  /** The home of an earlier daemon, to start again where it ended. */
  readonly home?: Home;
  /** Any free one by default. */
  readonly port?: number;
};

/** The home of one test user: directories, environment and what the program derives from them. */
export class Home implements Disposable {
  readonly directory = new TemporaryDirectory();
  readonly path: string = this.directory.path;
  readonly env: Environment;
  readonly platform: Platform;

  constructor(extra: Environment = {}) {
    this.env = {
      PATH: process.env["PATH"] ?? "",
      HOME: this.path,
      USERPROFILE: this.path,
      APPDATA: join(this.path, "roaming"),
      LOCALAPPDATA: join(this.path, "local"),
      XDG_RUNTIME_DIR: join(this.path, "run"),
      SHELL: "/bin/sh",
      TZ: "UTC",
      NO_COLOR: "1",
      // Containers and build machines run tests as root.
      MCPD_ALLOW_ROOT: "1",
      ...systemVariables(),
      ...extra,
    };
    mkdirSync(join(this.path, "run"), { mode: 0o700 });
    this.platform = pickPlatform(this.env);
  }

  get configFile(): string {
    return this.platform.paths.configFile;
  }

  /** Replaces the config: an object as JSON, or text as it is. */
  writeConfig(config: object | string): void {
    mkdirSync(this.platform.paths.configDir, { recursive: true, mode: 0o700 });
    const text = typeof config === "string" ? config : JSON.stringify(config, null, 2);
    writeFileSync(this.configFile, text, { mode: 0o600 });
  }

  /** Runs the program to its end. */
  async run(...words: readonly string[]): Promise<Finished> {
    return await this.runIn(this.path, ...words);
  }

  /** The same, in another directory. */
  async runIn(directory: string, ...words: readonly string[]): Promise<Finished> {
    const child = Bun.spawn([program(), ...words], {
      cwd: directory,
      env: { ...this.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, exitCode] = await within(
      `mcpd ${words.join(" ")}`,
      Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]),
    ).finally(() => child.kill("SIGKILL"));
    return { exitCode, stdout, stderr };
  }

  /** The daemon's log so far, or "" when there is none. */
  log(name = "server.log"): string {
    try {
      return readFileSync(join(this.platform.paths.logsDir, name), "utf8");
    } catch {
      return "";
    }
  }

  /** The same once the text is in it: the first lines are written after the first answers. */
  async logged(text: string): Promise<string> {
    return await waitFor(`"${text}" in the log`, () => this.log().includes(text) && this.log());
  }

  [Symbol.dispose](): void {
    this.directory[Symbol.dispose]();
  }
}

export class Daemon implements AsyncDisposable {
  readonly home: Home;
  readonly urls: Urls;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #stderr: Promise<string>;
  readonly #ownsHome: boolean;

  private constructor(home: Home, child: Daemon["child"], urls: Urls, ownsHome: boolean) {
    this.home = home;
    this.urls = urls;
    this.#child = child;
    this.#stderr = textOf(child.stderr);
    this.#ownsHome = ownsHome;
  }

  /**
   * Starts the daemon and returns when it answers on /health. A `config` of null keeps the file.
   */
  static async start(config: object | string | null, options: DaemonOptions = {}): Promise<Daemon> {
    const home = options.home ?? new Home(options.env);
    if (config !== null) home.writeConfig(config);
    const port = String(options.port ?? 0);
    const words = ["serve", "--foreground", "--port", port, "--json", ...(options.args ?? [])];
    const child = Bun.spawn([program(), ...words], {
      cwd: home.path,
      env: { ...home.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      const urls = await within("the daemon to tell its URLs", announcedUrls(child));
      const daemon = new Daemon(home, child, urls, options.home === undefined);
      await waitFor("/health", () => daemon.health().catch(() => null));
      return daemon;
    } catch (error) {
      child.kill("SIGKILL");
      const said = child.stderr.locked ? "" : await textOf(child.stderr);
      if (options.home === undefined) home[Symbol.dispose]();
      throw new Error(`The daemon did not start: ${String(error)}\n${said}`, { cause: error });
    }
  }

  get child(): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    return this.#child;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** http://127.0.0.1:PORT */
  get origin(): string {
    return new URL(this.urls.health).origin;
  }

  /** The API key as the file has it. */
  get key(): string {
    return readFileSync(this.home.platform.paths.apiKeyFile, "utf8").trim();
  }

  /** The URL of one upstream, or of all. */
  mcpUrl(upstream?: string): string {
    return upstream === undefined ? this.urls.mcp : `${this.urls.mcp}/${upstream}`;
  }

  /** A client that has shaken hands. */
  async connect(upstream?: string, options: Partial<McpHttpOptions> = {}): Promise<McpHttp> {
    const client = new McpHttp({ url: this.mcpUrl(upstream), key: this.key, ...options });
    await client.initialize();
    return client;
  }

  async health(): Promise<{ readonly [key: string]: unknown }> {
    const response = await fetch(this.urls.health);
    return JSON.parse(await response.text());
  }

  /** A connection to the private socket. */
  async control(): Promise<ControlClient> {
    return await ControlClient.connect(this.home.platform.paths.controlAddress);
  }

  /** Runs a command against this daemon. */
  async run(...words: readonly string[]): Promise<Finished> {
    return await this.home.run(...words);
  }

  log(name?: string): string {
    return this.home.log(name);
  }

  /** What it said on standard error: known once it has ended. */
  async stderr(): Promise<string> {
    return await this.#stderr;
  }

  /** Asks it to end and returns its exit code. Throws when it, or a child of it, stays. */
  async stop(): Promise<number> {
    this.#child.kill("SIGTERM");
    const exitCode = await within("the daemon to end", this.#child.exited);
    await this.expectNobody();
    return exitCode;
  }

  /**
   * Ends it at once, as a crash or the OOM killer would. Its upstreams may be left for a moment.
   */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  /** Waits until no process of this home is left; names those that stay. */
  async expectNobody(): Promise<void> {
    const home = this.home.path;
    const nobody = (): boolean => processesOf(home).length === 0;
    await waitFor("every process of this home to end", nobody).catch((error: unknown) => {
      const left = processesOf(home).join(", ");
      throw new Error(`Processes are left behind: ${left}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop();
    } finally {
      this.#child.kill("SIGKILL");
      for (const pid of processesOf(this.home.path)) process.kill(pid, "SIGKILL");
      if (this.#ownsHome) this.home[Symbol.dispose]();
    }
  }
}

function textOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return new Response(stream).text();
}

/** `serve --json` says where it listens, in one JSON value on standard output. */
async function announcedUrls(child: Daemon["child"]): Promise<Urls> {
  const decoder = new TextDecoder();
  let said = "";
  const reader = child.stdout.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`it ended with ${await child.exited} and said "${said}"`);
    said += decoder.decode(value, { stream: true });
    const found = parsedOrNull(said);
    if (found === null) continue;
    if (!found.urls) throw new Error(`it listens nowhere: ${said}`);
    return found.urls;
  }
}

function parsedOrNull(text: string): { readonly urls?: Urls | null } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What Windows programs cannot do without. */
function systemVariables(): Environment {
  const names = ["SystemRoot", "SystemDrive", "TEMP", "TMP", "ComSpec", "PATHEXT", "USERNAME"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
