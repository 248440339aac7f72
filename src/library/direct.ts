import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";

import { ControlClient } from "../control/client.ts";
import type { Wire, WireEvents } from "../control/wire.ts";
import type { Clock } from "../lib/clock.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import type { Environment, Paths } from "../platform/platform.ts";
import { McpdError } from "./error.ts";
import type { Reached, ReachOptions } from "./reach.ts";

/** A program that has not ended so long after its input was closed is ended by force. */
const END_MS = 15_000;
/** What it printed last is what tells why it ended. */
const SAID_MAX = 4_000;

/**
 * Starts `mcpd serve --stdio`, which answers on its standard streams what the daemon answers on its
 * socket, and resolves once it does. Throws a McpdError that says why it does not.
 */
export async function openDirect(
  options: ReachOptions,
  environment: Environment,
  paths: Paths,
  clock: Clock,
): Promise<Reached> {
  const installed = existsSync(paths.program) ? paths.program : "mcpd";
  const program = new Program(options.program ?? installed, options.config, environment);
  const client = await ControlClient.over((events) => program.open(events));
  const close = async (): Promise<void> => {
    client.close();
    await program.ended(clock);
  };
  try {
    const { conditions } = await client.request("mcpd/status", {});
    const invalid = conditions.find(({ name }) => name === "config.invalid");
    if (invalid === undefined) return { mode: "direct", client, close };
    throw new McpdError("config.invalid", invalid.text);
  } catch (error) {
    const wasOpen = client.open;
    await close();
    throw wasOpen ? McpdError.of(error) : program.problem();
  }
}

/** One `mcpd serve --stdio`, as a wire. */
class Program {
  readonly #command: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  #said = "";
  #failure: Error | null = null;

  constructor(command: string, config: string | undefined, environment: Environment) {
    this.#command = command;
    const words = ["serve", "--stdio", "--quiet"];
    this.#child = spawn(command, config === undefined ? words : [...words, "--config", config], {
      env: { ...environment },
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
    });
    this.#child.stderr?.on("data", (chunk: Uint8Array) => {
      this.#said = `${this.#said}${Buffer.from(chunk).toString()}`.slice(-SAID_MAX);
    });
    this.#gone = new Promise((resolve) => {
      this.#child.once("close", () => resolve());
      this.#child.once("error", (error) => {
        this.#failure = error;
        resolve();
      });
    });
  }

  open(events: WireEvents): Promise<Wire> {
    const { stdin, stdout } = this.#child;
    stdout?.on("data", (chunk: Uint8Array) => events.data(chunk));
    stdin?.on("drain", () => events.drained());
    // A pipe that breaks is told by the end of the program.
    stdin?.on("error", () => undefined);
    void this.#gone.then(() => events.closed());
    return Promise.resolve({
      send: (line) => void stdin?.write(`${line}\n`),
      get congested() {
        return stdin?.writableNeedDrain === true;
      },
      pause: () => void stdout?.pause(),
      resume: () => void stdout?.resume(),
      close: () => void stdin?.end(),
    });
  }

  /** Resolves when it has ended by itself, or was made to. */
  async ended(clock: Clock): Promise<void> {
    const late = clock.after(END_MS, () => void this.#child.kill("SIGKILL"));
    await this.#gone;
    late.cancel();
  }

  /** Why it does not run. */
  problem(): McpdError {
    const command = this.#command;
    if (this.#failure !== null) {
      const missing = errorCode(this.#failure) === "ENOENT";
      const why = missing ? `there is no program "${command}"` : reasonOf(this.#failure);
      const text = `There is no daemon, and none can be done without: ${why}`;
      return new McpdError("daemon.unreachable", text);
    }
    const [said = ""] = this.#said
      .trim()
      .replace(/^mcpd: /, "")
      .split("\n", 1);
    const code = this.#child.exitCode ?? this.#child.signalCode;
    const text = `"${command} serve --stdio" ended with ${code}${said === "" ? "" : `: ${said}`}`;
    return new McpdError("daemon.unreachable", text);
  }
}
