import type { Edit } from "../config/edit.ts";
import type { BootstrapStatus } from "../control/supervision.ts";
import { fault, FaultError, isFault } from "../core/fault.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { applied } from "./config-change.ts";
import { type ConfigFile, openConfig, orThrow } from "./config-file.ts";
import { askBootstrap, daemonStatus, orNull, refuseRoot } from "./here.ts";
import type { Output } from "./output.ts";
import { ensureBootstrap, untilReady } from "./supervised.ts";
import { timeoutMsOf } from "./values.ts";

/** The flag of the commands that wait for the server. */
export const TIMEOUT = {
  timeout: {
    type: "string",
    alias: "t",
    valueHint: "SECS",
    default: "30",
    description: "Longest wait",
  },
} as const satisfies Arguments;

/**
 * Writes daemon.enabled, and daemon.port if one is given, with the comments kept; a file that says
 * it already is not touched. True when the port is another one now.
 */
export async function switchDaemon(
  { store }: ConfigFile,
  enabled: boolean,
  port: number | null = null,
): Promise<boolean> {
  refuseRoot();
  const loaded = store.load();
  const daemon = isFault(loaded) ? null : loaded.daemon;
  const moves = port !== null && daemon?.port !== port;
  const edits: Edit[] = moves ? [{ kind: "set", path: ["daemon", "port"], value: port }] : [];
  if (daemon?.enabled !== enabled) {
    edits.push({ kind: "set", path: ["daemon", "enabled"], value: enabled });
  }
  if (edits.length > 0) orThrow(await store.edit(edits));
  return moves;
}

/** Switches it on, and says so when that changes the port: then it is true. */
export async function switchOn(
  config: ConfigFile,
  port: number | null,
  output: Output,
): Promise<boolean> {
  const moved = await switchDaemon(config, true, port);
  if (moved) output.notes.info(`daemon.port is ${port} now (${config.store.path})`);
  return moved;
}

/** Of a new address the bootstrap hears with the next sign of life; the server knows it now. */
async function withNewAddress(
  status: BootstrapStatus,
  config: ConfigFile,
): Promise<BootstrapStatus> {
  await applied(config);
  const { urls } = await daemonStatus();
  return { ...status, server: { ...status.server, urls } };
}

/** A bootstrap of another config is not ours to steer. */
export function ownBootstrap(status: BootstrapStatus, { store }: ConfigFile): BootstrapStatus {
  if (status.config.path === store.path) return status;
  const text = `A daemon runs with another config: ${status.config.path} (pid ${status.pid})`;
  throw new FaultError(fault("daemon.running", text));
}

/** The pid of a daemon that runs without a bootstrap, in somebody's terminal; null for none. */
export async function unsupervised(): Promise<number | null> {
  const status = await orNull(daemonStatus(), "daemon.unreachable");
  return status?.pid ?? null;
}

/** Switches the daemon on, starts what is missing, waits until it serves, and says so. */
export async function startAndTell(
  timeout: string,
  { options, output }: { readonly options: GlobalOptions; readonly output: Output },
  port: number | null = null,
): Promise<number> {
  const timeoutMs = timeoutMsOf(timeout, "start");
  const config = openConfig(options.config);
  const moved = await switchOn(config, port, output);
  const running = await askBootstrap("mcpd/apply");
  if (running !== null) ownBootstrap(running, config);
  const foreground = running === null ? await unsupervised() : null;
  if (foreground !== null) {
    if (options.json) output.json({ started: false, pid: foreground, supervised: false });
    else output.print(`mcpd runs in a terminal already (pid ${foreground})`);
    return 0;
  }
  const status = await output.busy("Starting mcpd", async () => {
    const problem = running === null ? await ensureBootstrap(options.config) : null;
    return problem ?? (await untilReady(timeoutMs));
  });
  const ready = orThrow(status);
  const shown = moved && running !== null ? await withNewAddress(ready, config) : ready;
  tellReady(shown, running?.server.state !== "ready", { options, output });
  return 0;
}

/** What a person wants to know of a daemon that has come up. */
export function tellReady(
  status: BootstrapStatus,
  started: boolean,
  { options, output }: { readonly options: GlobalOptions; readonly output: Output },
): void {
  const { pid, urls, version } = status.server;
  if (options.json) {
    output.json({ started, pid, version, urls, bootstrap: status.pid, supervised: true });
    return;
  }
  if (options.quiet) return;
  output.print(
    [
      `mcpd ${started ? "is running" : "runs already"} (pid ${pid ?? "unknown"})`,
      ...(urls === null ? [] : [`  MCP  ${urls.mcp}`]),
    ].join("\n"),
  );
  if (urls === null) output.notes.warn("It does not listen yet: see 'mcpd status'");
}
