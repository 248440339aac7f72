import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { basename, join } from "node:path";

import { fault, FaultError } from "../core/fault.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { errorCode, reasonOf } from "../lib/files.ts";

type Entry = {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: { readonly [name: string]: string };
};

/** How a client is given a config for one run only. */
type Way = {
  readonly words?: (file: string, entry: Entry) => readonly string[];
  readonly env?: (file: string) => { readonly [name: string]: string };
  /** What stands in the file; the servers in the common shape by default. */
  readonly content?: (entry: Entry) => object;
};

const PLACEHOLDER = "{config}";
/** A client that has been asked to end is ended by force after this time. */
const GRACE_MS = 5_000;
const LAST_OUTPUT_MS = 1_000;

/** Headless clients and what their documentation says of a config for one run. */
const WAYS: { readonly [client: string]: Way } = {
  // It takes as many files as follow, so a flag comes after the last one.
  claude: { words: (file) => ["--mcp-config", file, "--strict-mcp-config"] },
  codex: { words: (_, entry) => codexWords(entry) },
  copilot: {
    words: (file) => ["--additional-mcp-config", `@${file}`],
    content: (entry) => servers({ type: "local", ...entry, tools: ["*"] }),
  },
  gemini: { env: (file) => ({ GEMINI_CLI_SYSTEM_SETTINGS_PATH: file }) },
  opencode: {
    env: (file) => ({ OPENCODE_CONFIG: file }),
    content: ({ command, args, env }) => ({
      mcp: {
        mcpd: { type: "local", command: [command, ...args], environment: env, enabled: true },
      },
    }),
  },
};

export type GatewayRun = {
  /** Of the client; 124 when its time was up, 128 and the signal's number when it was killed. */
  readonly exitCode: number;
  readonly timedOut: boolean;
  readonly durationMs: number;
  /** What it printed, when it was captured. */
  readonly stdout: string | null;
};

/**
 * Runs a client that finds mcpd in its MCP config, and resolves when it has ended. The config is in
 * a directory that only the user can enter, which is gone then, also after a signal.
 */
export async function runGateway(
  [client = "", ...words]: readonly string[],
  options: {
    readonly entry: Entry;
    readonly environment: { readonly [name: string]: string | undefined };
    readonly timeoutMs: number | undefined;
    /** Captures standard output instead of passing it on. */
    readonly capture: boolean;
    readonly clock?: Clock;
  },
): Promise<GatewayRun> {
  const { entry, clock = systemClock } = options;
  const way = wayOf(client, words);
  const folder = mkdtempSync(join(tmpdir(), "mcpd-gateway-"));
  try {
    const file = join(folder, "mcp.json");
    const content = way.content?.(entry) ?? servers(entry);
    writeFileSync(file, JSON.stringify(content, null, 2), { mode: 0o600 });
    const given = words.map((word) => word.replaceAll(PLACEHOLDER, file));
    const environment = { ...options.environment, ...way.env?.(file) };
    const line = [client, ...(way.words?.(file, entry) ?? []), ...given];
    return await runClient(line, { ...options, environment, clock });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the placeholder does by itself needs no way of its own. */
function wayOf(client: string, words: readonly string[]): Way {
  if (words.some((word) => word.includes(PLACEHOLDER))) return {};
  const way = WAYS[basename(client).replace(/\.(exe|cmd)$/i, "")];
  if (way !== undefined) return way;
  const text = `mcpd does not know how "${client}" takes an MCP config: put ${PLACEHOLDER} where its path belongs`;
  throw new FaultError(fault("usage.invalid", text, "gateway"));
}

async function runClient(
  line: readonly string[],
  options: {
    readonly environment: { readonly [name: string]: string | undefined };
    readonly timeoutMs: number | undefined;
    readonly capture: boolean;
    readonly clock: Clock;
  },
): Promise<GatewayRun> {
  const { environment, timeoutMs, capture, clock } = options;
  const startedMs = clock.monotonic();
  const child = startClient(line, environment, capture);
  let timedOut = false;
  const end = (): void => {
    child.kill("SIGTERM");
    clock.after(GRACE_MS, () => child.kill("SIGKILL"));
  };
  const late = (): void => {
    timedOut = true;
    end();
  };
  const limit = timeoutMs === undefined ? null : clock.after(timeoutMs, late);
  // The terminal tells Ctrl-C to the client as well: what it means is up to the client.
  const signals = { SIGINT: () => undefined, SIGTERM: end, SIGHUP: end };
  for (const [name, heed] of Object.entries(signals)) process.on(name, heed);
  try {
    const captured = child.stdout === undefined ? null : capturedText(child.stdout);
    await child.exited;
    // Something it has started may hold its output open.
    if (captured !== null) await Promise.race([captured.ended, clock.sleep(LAST_OUTPUT_MS)]);
    const stdout = captured?.text() ?? null;
    const killed = child.signalCode === null ? 0 : 128 + signalNumber(child.signalCode);
    const exitCode = timedOut ? 124 : (child.exitCode ?? killed);
    return { exitCode, timedOut, durationMs: clock.monotonic() - startedMs, stdout };
  } finally {
    limit?.cancel();
    for (const [name, heed] of Object.entries(signals)) process.off(name, heed);
  }
}

type Client = Bun.Subprocess<"inherit", "pipe" | "inherit", "inherit">;

function startClient(
  line: readonly string[],
  environment: { readonly [name: string]: string | undefined },
  capture: boolean,
): Client {
  try {
    return Bun.spawn([...line], {
      env: { ...environment },
      stdio: ["inherit", capture ? "pipe" : "inherit", "inherit"],
    });
  } catch (error) {
    const [client = ""] = line;
    const missing = errorCode(error) === "ENOENT";
    const why = missing ? "there is no such program in PATH" : reasonOf(error);
    throw new FaultError(fault("client.failed", `Cannot start ${client}: ${why}`, client));
  }
}

function capturedText(output: ReadableStream<Uint8Array>): {
  readonly ended: Promise<void>;
  text(): string;
} {
  const chunks: Uint8Array[] = [];
  const read = async (): Promise<void> => {
    for await (const chunk of output) chunks.push(chunk);
  };
  return { ended: read(), text: () => Buffer.concat(chunks).toString() };
}

function signalNumber(signal: NodeJS.Signals | number): number {
  return typeof signal === "number" ? signal : constants.signals[signal];
}

function servers(entry: object): object {
  return { mcpServers: { mcpd: entry } };
}

/** Overrides of its TOML config: strings and arrays of JSON are those of TOML. */
function codexWords({ command, args, env }: Entry): readonly string[] {
  const table = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `mcp_servers.mcpd.command=${JSON.stringify(command)}`,
    `mcp_servers.mcpd.args=${JSON.stringify(args)}`,
    `mcp_servers.mcpd.env={${table.join(",")}}`,
  ].flatMap((override) => ["-c", override]);
}
