// library: mcpd for programs, the main export of the package. It runs on Bun and on Node, so
// nothing of Bun may be used where this file reaches.

import type {
  CallResult,
  ControlApi,
  ControlMethod,
  PromptResult,
  PromptRow,
  ReadResult,
  ResourceRow,
  Status,
  ToolRow,
} from "../control/api.ts";
import type { ControlClient, RequestOptions } from "../control/client.ts";
import { aimOf } from "../lib/aim.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { McpdError } from "./error.ts";
import { type Mode, reach, type Reached, type ReachOptions, runs } from "./reach.ts";

export type {
  CallResult,
  PromptResult,
  PromptRow,
  ReadResult,
  ResourceRow,
  Status,
  ToolRow,
} from "../control/api.ts";
export { McpdError } from "./error.ts";
export type { Mode } from "./reach.ts";

export type ConnectOptions = ReachOptions & {
  /** Directory that upstreams of scope project work on: the working directory by default. */
  readonly project?: string;
  /** The longest wait for an answer; without it, what the config says of each upstream. */
  readonly timeoutMs?: number;
};

export type Progress = {
  readonly progress: number;
  readonly total: number | null;
  readonly message: string | null;
};

export type RequestSettings = {
  readonly timeoutMs?: number;
  /** Aborting cancels the request at its upstream and rejects with "exchange.cancelled". */
  readonly signal?: AbortSignal;
};

export type CallSettings = RequestSettings & {
  readonly onProgress?: (progress: Progress) => void;
};

/** What a list is narrowed down to. */
export type Search = { readonly upstream?: string; readonly search?: string };

type Input = { readonly [name: string]: unknown };

/** An answer that takes longer than the daemon itself would wait is not waited for. */
const GRACE_MS = 5_000;

/**
 * Connects to the daemon of this user; where none runs, to servers of our own behind `mcpd serve
 * --stdio`, which end with the connection. Throws a McpdError when neither can be had.
 */
export async function connect(options: ConnectOptions = {}): Promise<Mcpd> {
  return new Mcpd(options, await reach(options, systemClock), systemClock);
}

/**
 * Calls one tool and hangs up. `name` is TOOL where only one upstream has it, else UPSTREAM/TOOL.
 * A tool that reports an error is no exception: look at `isError`.
 */
export async function callTool(
  name: string,
  input: Input = {},
  options: ConnectOptions & CallSettings = {},
): Promise<CallResult> {
  return await once(options, (mcpd) => mcpd.callTool(name, input, options));
}

/** Lists the tools of all upstreams, or those that fit. */
export async function listTools(
  options: ConnectOptions & Search = {},
): Promise<readonly ToolRow[]> {
  return await once(options, (mcpd) => mcpd.listTools(options));
}

/** Whether a daemon of this user answers. */
export async function daemonIsRunning(
  options: Pick<ReachOptions, "environment"> = {},
): Promise<boolean> {
  return await runs(options);
}

/** The texts of a result, one after the other; its structured content where there is no text. */
export function textOf(result: CallResult): string {
  const texts = (result.content ?? []).flatMap(({ type, ["text"]: text }) =>
    type === "text" && typeof text === "string" ? [text] : [],
  );
  if (texts.length > 0 || result.structuredContent === undefined) return texts.join("\n");
  return JSON.stringify(result.structuredContent);
}

/**
 * A connection to mcpd. It is made again when it breaks: what only reads is then asked again, while
 * a call that was under way is not, because it may have had its effect.
 */
export class Mcpd implements AsyncDisposable {
  readonly #options: ConnectOptions;
  readonly #clock: Clock;
  #reached: Promise<Reached>;
  #mode: Mode;
  #closed = false;

  /** Use connect(). */
  constructor(options: ConnectOptions, reached: Reached, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#reached = Promise.resolve(reached);
    this.#mode = reached.mode;
  }

  /** "daemon", or "direct" with servers of our own. */
  get mode(): Mode {
    return this.#mode;
  }

  async callTool(
    name: string,
    input: Input = {},
    settings: CallSettings = {},
  ): Promise<CallResult> {
    const { name: tool, ...aim } = aimOf(name);
    return await this.#aimed("mcpd/call", { ...aim, tool, arguments: input }, settings);
  }

  async listTools(search: Search = {}): Promise<readonly ToolRow[]> {
    return (await this.#listed("mcpd/tools", search)).tools;
  }

  async listPrompts(search: Search = {}): Promise<readonly PromptRow[]> {
    return (await this.#listed("mcpd/prompts", search)).prompts;
  }

  /** Resources, and templates of many. */
  async listResources(search: Search = {}): Promise<readonly ResourceRow[]> {
    return (await this.#listed("mcpd/resources", search)).resources;
  }

  /** `name` is PROMPT where only one upstream has it, else UPSTREAM/PROMPT. */
  async getPrompt(
    name: string,
    input: { readonly [name: string]: string } = {},
    settings: RequestSettings = {},
  ): Promise<PromptResult> {
    const { name: prompt, ...aim } = aimOf(name);
    return await this.#aimed("mcpd/prompt", { ...aim, prompt, arguments: input }, settings);
  }

  async readResource(
    uri: string,
    settings: RequestSettings & { readonly upstream?: string } = {},
  ): Promise<ReadResult> {
    const { upstream } = settings;
    const aim = upstream === undefined ? {} : { upstream };
    return await this.#aimed("mcpd/read", { ...aim, uri }, settings);
  }

  /** What runs and what is wrong, as `mcpd status --json` tells. */
  async status(): Promise<Status> {
    return await this.#request("mcpd/status", {}, {});
  }

  /** Hangs up; servers of our own have ended when it resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    await (await this.#reached.catch(() => null))?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listed<M extends "mcpd/tools" | "mcpd/prompts" | "mcpd/resources">(
    method: M,
    { upstream, search }: Search,
  ): Promise<ControlApi[M]["result"]> {
    const params = {
      project: this.#project,
      ...(upstream === undefined ? {} : { upstream }),
      ...(search === undefined ? {} : { search }),
    };
    return await this.#request(method, params, {});
  }

  async #aimed<M extends "mcpd/call" | "mcpd/read" | "mcpd/prompt">(
    method: M,
    what: Omit<ControlApi[M]["params"], "project" | "timeoutMs">,
    settings: CallSettings,
  ): Promise<ControlApi[M]["result"]> {
    const { signal, onProgress, timeoutMs = this.#options.timeoutMs } = settings;
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    const params = { ...what, ...limit, project: this.#project } as ControlApi[M]["params"];
    const options: RequestOptions = {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined
        ? {}
        : {
            onProgress: ({ progress, total, message }) => onProgress({ progress, total, message }),
          }),
      // mcpd watches the time and cancels the call: this is the second line.
      ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + GRACE_MS }),
    };
    return await this.#request(method, params, options);
  }

  async #request<M extends ControlMethod>(
    method: M,
    params: ControlApi[M]["params"],
    options: RequestOptions,
  ): Promise<ControlApi[M]["result"]> {
    const first = await this.#client();
    try {
      return await first.request(method, params, options);
    } catch (error) {
      // A call that was under way is "daemon.lost": nobody knows whether it had its effect.
      const problem = McpdError.of(error);
      const broken = problem instanceof McpdError && problem.code === "daemon.unreachable";
      if (first.open || !broken) throw problem;
    }
    const second = await this.#client();
    return await second.request(method, params, options).catch((error: unknown) => {
      throw McpdError.of(error);
    });
  }

  get #project(): string {
    return this.#options.project ?? process.cwd();
  }

  /** The connection, made anew when it has ended. Whoever asks meanwhile waits for the same one. */
  async #client(): Promise<ControlClient> {
    if (this.#closed) throw new McpdError("daemon.unreachable", "The connection is closed");
    const before = this.#reached;
    const standing = await before.catch(() => null);
    if (standing?.client.open === true) return standing.client;
    if (this.#reached === before) this.#reached = this.#again(standing);
    const reached = await this.#reached;
    this.#mode = reached.mode;
    return reached.client;
  }

  /** What was a daemon is likely to be one again in a moment. */
  async #again(before: Reached | null): Promise<Reached> {
    await before?.close();
    return await reach(this.#options, this.#clock, before?.mode === "daemon");
  }
}

async function once<T>(options: ConnectOptions, action: (mcpd: Mcpd) => Promise<T>): Promise<T> {
  const mcpd = await connect(options);
  try {
    return await action(mcpd);
  } finally {
    await mcpd.close();
  }
}
