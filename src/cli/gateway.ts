import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { basename, join } from "node:path";

import { fault, FaultError } from "../core/fault.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { errorCode, reasonOf } from "../lib/files.ts";
import { family } from "../lib/process-tree.ts";
import { until } from "../lib/until.ts";
import type { Environment } from "../platform/platform.ts";
import { ownProcesses } from "../platform/processes.ts";
import { type Entry, GATEWAY_WAYS, type Way, writeServers } from "./gateway-ways.ts";
import { here } from "./here.ts";
import { usage } from "./parse.ts";

const PLACEHOLDER = "{config}";
/** A client that has been asked to end is ended by force after this time. */
const GRACE_MS = 5_000;
const POLL_MS = 20;
const LAST_OUTPUT_MS = 1_000;

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
    readonly environment: Environment;
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
    const file = (way.write ?? writeServers)(folder, entry, options.environment);
    const given = words.map((word) => word.replaceAll(PLACEHOLDER, file));
    const environment = { ...options.environment, ...way.env?.(file, folder) };
    const line = [client, ...(way.words?.(file, entry) ?? []), ...given];
    return await runClient(line, { ...options, environment, clock });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the placeholder does by itself needs no way of its own. */
function wayOf(client: string, words: readonly string[]): Way {
  if (words.some((word) => word.includes(PLACEHOLDER))) return {};
  const way = GATEWAY_WAYS[basename(client).replace(/\.(exe|cmd)$/i, "")];
  if (way !== undefined) return way;
  const text = `mcpd does not know how "${client}" takes an MCP config: put ${PLACEHOLDER} where its path belongs`;
  throw usage(text, "gateway");
}

async function runClient(
  line: readonly string[],
  options: {
    readonly environment: Environment;
    readonly timeoutMs: number | undefined;
    readonly capture: boolean;
    readonly clock: Clock;
  },
): Promise<GatewayRun> {
  const { environment, timeoutMs, capture, clock } = options;
  const startedMs = clock.monotonic();
  const child = startClient(line, environment, capture);
  let timedOut = false;
  const ending: Promise<void>[] = [];
  const end = (): void => {
    if (ending.length === 0) ending.push(endAll(child.pid, environment, clock));
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
    await Promise.all(ending);
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

function startClient(line: readonly string[], environment: Environment, capture: boolean): Client {
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

/** Ends a client with all it has started: some run themselves again, and only wait for that. */
async function endAll(pid: number, environment: Environment, clock: Clock): Promise<void> {
  const processes = (await ownProcesses(here().name, environment)) ?? [];
  const roots = processes.filter((one) => one.pid === pid);
  const pids = [...new Set([pid, ...[...family(processes, roots)].map((one) => one.pid)])];
  for (const each of pids) tell(each, "SIGTERM");
  const patience = { patienceMs: GRACE_MS, pollMs: POLL_MS };
  await until(clock, patience, () => !pids.some((each) => tell(each, 0)));
  for (const each of pids) tell(each, "SIGKILL");
}

/** False when there is nobody to hear it. */
function tell(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
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
