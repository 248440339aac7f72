/** What shares an upstream over HTTP: the bare relay, and mcpd, with its bootstrap or without. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { within } from "../../test/helpers/wait.ts";
import type { Lab } from "./lab.ts";
import { executableOf, processTree } from "./process.ts";

export type SubjectName = "relay" | "mcpd" | "mcpd bootstrap";

export interface Subject {
  readonly name: SubjectName;
  /** The door to the trivial upstream. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The proxy's own processes, and those below it that are none of its own. */
  proxyPids(): number[];
  upstreamPids(): number[];
  stop(): Promise<void>;
}

export type McpdServers = Readonly<Record<string, readonly string[]>>;

const START_TIMEOUT_MS = 10_000;
const LOOK_MS = 1_000;
const STOP_TIMEOUT_MS = 5_000;

/** The command of the trivial upstream, on the core of the load. */
export function echoCommand(lab: Lab): string[] {
  return [...lab.loadCore, lab.programs.upstream];
}

/** Starts a subject on the proxy's core and waits until it answers. */
export async function startSubject(
  lab: Lab,
  name: SubjectName,
  port = freePort(),
): Promise<Subject> {
  const subject = spawnSubject(lab, name, port, lab.proxyCore);
  try {
    await ready(subject.url);
    const key = name === "relay" ? {} : { "x-api-key": apiKey(lab) };
    return { ...subject, headers: key };
  } catch (error) {
    await subject.stop();
    throw error;
  }
}

/**
 * Starts a subject without waiting; its headers are empty. The bootstrap has its port from the
 * config.
 */
export function spawnSubject(
  lab: Lab,
  name: SubjectName,
  port: number,
  core: readonly string[],
): Subject {
  const command = commandOf(lab, name, port);
  const child = Bun.spawn([...core, ...command], {
    env: lab.environment,
    cwd: lab.environment.HOME ?? lab.root,
    stdin: "ignore",
    stdout: Bun.file(join(lab.root, `${name}.out`)),
    stderr: Bun.file(join(lab.root, `${name}.err`)),
  });
  const own = name === "relay" ? lab.programs.relay : mcpdOf(lab);
  const tree = (isOwn: boolean): number[] =>
    processTree(child.pid).filter((pid) => (executableOf(pid) === own) === isOwn);
  return {
    name,
    url: `http://127.0.0.1:${port}/mcp${name === "relay" ? "" : "/echo"}`,
    headers: {},
    proxyPids: () => tree(true),
    upstreamPids: () => tree(false),
    stop: () => stopTree(child),
  };
}

function commandOf(lab: Lab, name: SubjectName, port: number): string[] {
  switch (name) {
    case "relay":
      return [lab.programs.relay, String(port), ...echoCommand(lab)];
    case "mcpd": {
      const choice = ["--port", String(port), "--config", configPath(lab)];
      return [mcpdOf(lab), "serve", "--foreground", ...choice];
    }
    case "mcpd bootstrap":
      return [mcpdOf(lab), "bootstrap"];
  }
}

/** The config mcpd starts with: the defaults, auth by key among them, and these upstreams. */
export function writeConfig(lab: Lab, servers: McpdServers): void {
  const mcpServers = Object.fromEntries(
    Object.entries(servers).map(([name, [command, ...args]]) => [name, { command, args }]),
  );
  writeSettings(lab, { mcpServers });
}

/** The same with any config. */
export function writeSettings(lab: Lab, settings: Readonly<Record<string, unknown>>): void {
  mkdirSync(join(configPath(lab), ".."), { recursive: true, mode: 0o700 });
  writeFileSync(configPath(lab), JSON.stringify(settings, null, 2), { mode: 0o600 });
}

/** The key mcpd wrote on its first start. */
export function apiKey(lab: Lab): string {
  return readFileSync(join(configPath(lab), "..", "api-key"), "utf8").trim();
}

function mcpdOf(lab: Lab): string {
  if (lab.mcpd === null) throw new Error("Cannot bench mcpd: it is not built; run 'bun run build'");
  return lab.mcpd;
}

export function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}

function configPath(lab: Lab): string {
  return join(lab.environment.XDG_CONFIG_HOME ?? lab.root, "mcpd", "mcpd.config.json");
}

async function ready(url: string): Promise<void> {
  const health = new URL("/health", url);
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const answer = await within("a look", fetch(health), LOOK_MS).catch(() => null);
    if (answer !== null) return;
    await Bun.sleep(10);
  }
  throw new Error(`Cannot bench: nothing answers at ${health} after ${START_TIMEOUT_MS} ms`);
}

/**
 * Ends a program and all below it: TERM, then KILL to each that is still the same, and to the
 * strays that are found then. It never fails, since others wait for their end behind it.
 */
export async function stopTree(
  child: Bun.Subprocess,
  strays: () => readonly number[] = () => [],
  limitMs = STOP_TIMEOUT_MS,
): Promise<void> {
  const tree = processTree(child.pid).map((pid) => ({ pid, executable: executableOf(pid) }));
  child.kill("SIGTERM");
  await within("its end", child.exited, limitMs).catch(() => null);
  for (const { pid, executable } of tree) {
    if (executable !== "" && executableOf(pid) === executable) kill(pid);
  }
  for (const pid of strays()) kill(pid);
  await within("its end", child.exited, limitMs).catch(() => null);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
