import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import type { CallResult, Status, ToolRow, UpstreamStatus } from "../../src/control/api.ts";
import { type ControlHandlers, ControlHost } from "../../src/control/host.ts";
import { fault } from "../../src/core/fault.ts";
import { LineSplitter } from "../../src/lib/lines.ts";
import { pickPlatform } from "../../src/platform/pick.ts";

export const MAIN = join(import.meta.dir, "../../src/main.ts");

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };

type Connection = {
  readonly host: ControlHost;
  readonly lines: LineSplitter;
  readonly drain: () => void;
};

/** An empty home of its own, the program run in it, and a daemon that is only its socket. */
export class Bench implements Disposable {
  readonly home = mkdtempSync("/tmp/mcpd-");
  readonly environment: { readonly [name: string]: string };
  /** What the daemon was asked for, in order. */
  readonly asked: string[] = [];
  #listener: { stop(now?: boolean): void } | null = null;

  constructor() {
    this.environment = {
      HOME: this.home,
      XDG_CONFIG_HOME: join(this.home, "config"),
      XDG_STATE_HOME: join(this.home, "state"),
      XDG_RUNTIME_DIR: join(this.home, "run"),
      PATH: process.env["PATH"] ?? "",
      TZ: "UTC",
    };
    mkdirSync(join(this.home, "run"), { mode: 0o700 });
  }

  get paths(): ReturnType<typeof pickPlatform>["paths"] {
    return pickPlatform(this.environment).paths;
  }

  /** A running command line; `extra` is added to its environment. */
  start(words: readonly string[], extra: { readonly [name: string]: string } = {}): Running {
    return Bun.spawn([process.execPath, MAIN, ...words], {
      cwd: this.home,
      env: { ...this.environment, ...extra },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  async run(
    words: readonly string[],
    extra: { readonly [name: string]: string } = {},
  ): Promise<Outcome> {
    return await outcomeOf(this.start(words, extra));
  }

  /** Listens where the daemon would; `handlers` replaces some of its answers. */
  serve(handlers: Partial<ControlHandlers> = {}): void {
    const { controlAddress } = this.paths;
    mkdirSync(dirname(controlAddress), { recursive: true, mode: 0o700 });
    this.#listener = Bun.listen<Connection>({
      unix: controlAddress,
      socket: {
        open: (socket) => {
          let unsent = Buffer.alloc(0);
          const drain = (): void => {
            unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
          };
          const send = (text: string): void => {
            unsent = Buffer.concat([unsent, Buffer.from(`${text}\n`)]);
            drain();
          };
          const answers = { ...ANSWERS, ...handlers };
          const host = new ControlHost(answers, { send, mcp: () => undefined, attach: () => null });
          const line = (text: string): void => {
            this.asked.push(text);
            host.receive(text);
          };
          const lines = new LineSplitter(1_000_000, { line, tooLong: () => undefined });
          socket.data = { host, lines, drain };
        },
        data: (socket, chunk) => socket.data.lines.push(chunk),
        drain: (socket) => socket.data.drain(),
        close: (socket) => socket.data.host.close(),
      },
    });
  }

  /** Goes away as a daemon does that is killed: connections end, the socket is left. */
  vanish(): void {
    this.#listener?.stop(true);
    this.#listener = null;
  }

  [Symbol.dispose](): void {
    this.vanish();
    rmSync(this.home, { recursive: true, force: true });
  }
}

export type Running = Bun.Subprocess<"ignore", "pipe", "pipe">;

export async function outcomeOf(running: Running): Promise<Outcome> {
  const [stdout, stderr, code] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
    running.exited,
  ]);
  return { code, stdout, stderr };
}

function upstreamStatus(changes: Partial<UpstreamStatus> = {}): UpstreamStatus {
  return {
    name: "files",
    kind: "stdio",
    scope: "user",
    project: null,
    state: "ready",
    reach: "npx files /tmp",
    pid: 41,
    upMs: 61_000,
    restarts: 0,
    sessions: 2,
    inFlight: 1,
    calls: 12,
    errors: 0,
    residentBytes: null,
    replica: null,
    trusted: true,
    tools: 3,
    prompts: 0,
    resources: 0,
    server: null,
    protocolVersion: null,
    ...changes,
  };
}

export const STATUS: Status = {
  version: "1.2.3",
  pid: 40,
  startedAtMs: 0,
  uptimeMs: 200_000,
  verdict: "degraded",
  urls: {
    mcp: "http://127.0.0.1:8400/mcp",
    sse: "http://127.0.0.1:8400/sse",
    health: "http://127.0.0.1:8400/health",
  },
  auth: "api_key",
  config: { path: null, revision: 7, hash: "", warnings: 1 },
  sessions: 2,
  inFlight: 1,
  requests: 1234,
  errors: 0,
  residentBytes: 24_000_000,
  upstreams: [
    upstreamStatus(),
    upstreamStatus({ name: "web", state: "failed", upMs: null, errors: 4, tools: 0 }),
  ],
  conditions: [
    {
      name: "upstream.failed",
      subject: "web",
      severity: "warning",
      text: 'Upstream "web" ended with exit code 1',
      hint: "See 'mcpd logs web'.",
      sinceMs: 0,
    },
  ],
};

const TOOLS: readonly ToolRow[] = [
  {
    upstream: "files",
    tool: "read_file",
    name: "read_file",
    title: "Read",
    description: "Reads a file.\nAll of it.",
    inputSchema: {},
  },
  {
    upstream: "web",
    tool: "get",
    name: "web__get",
    title: "Get",
    description: "",
    inputSchema: {},
  },
];

const ANSWERS: ControlHandlers = {
  "mcpd/status": () => STATUS,
  "mcpd/tools": () => ({ tools: TOOLS, missing: ["web"] }),
  "mcpd/call": (params) =>
    params.tool === "missing"
      ? fault("tool.unknown", 'There is no tool "missing"', "missing")
      : ({ content: [{ type: "text", text: JSON.stringify(params) }] } satisfies CallResult),
  "mcpd/prompts": () => ({ prompts: [], missing: [] }),
  "mcpd/resources": () => ({ resources: [], missing: [] }),
  "mcpd/read": ({ uri }) => ({ contents: [{ uri, text: uri }] }),
  "mcpd/prompt": () => ({ messages: [] }),
  "mcpd/suggest": () => ({ values: [], total: 0, hasMore: false }),
  "mcpd/cache": ({ forget = false }) => ({
    memory: { entries: forget ? 0 : 3, bytes: 2_048 },
    disk: { entries: 1, bytes: 512 },
    upstreams: [{ name: "files", hits: 8, shared: 1, misses: 3 }],
  }),
  "mcpd/apply": () => ({ applied: true, revision: 8, problem: null }),
};
