import { family } from "../lib/process-tree.ts";
import { type Entry, textsOf } from "./client.ts";

/** A process as the system lists it. */
type Process = { readonly pid: number; readonly parent: number; readonly command: string };

/**
 * The servers that clients start themselves: every process whose command line says that it is one,
 * and what it has started. What runs under mcpd is not among them.
 */
export function runByClients<P extends Process>(
  processes: readonly P[],
  entries: readonly Entry[],
): readonly P[] {
  const others = outside(processes);
  const roots = others.filter((process) => entries.some((entry) => isServer(process, entry)));
  const found = family(others, roots);
  return others.filter((process) => found.has(process));
}

/** The servers among them that were not started by another one: one for each start of a client. */
export function serversOutside<P extends Process>(
  processes: readonly P[],
  entries: readonly Entry[],
): readonly P[] {
  const servers = outside(processes).filter((process) =>
    entries.some((entry) => isServer(process, entry)),
  );
  const pids = new Set(servers.map(({ pid }) => pid));
  return servers.filter(({ parent }) => !pids.has(parent));
}

/** What does not run under a mcpd. */
function outside<P extends Process>(processes: readonly P[]): readonly P[] {
  const shared = family(processes, processes.filter(isMcpd));
  return processes.filter((process) => !shared.has(process));
}

/** What mcpd is: the daemon, when there is one, with all it runs, and the bridges to it. */
export function runByMcpd<P extends Process>(
  processes: readonly P[],
  daemon: number | null,
  leadsToIt: (bridge: P) => boolean,
): readonly P[] {
  const isBridge = (one: P): boolean =>
    isMcpd(one) && / bridge( |$)/.test(one.command) && leadsToIt(one);
  const roots = processes.filter((one) => one.pid === daemon || isBridge(one));
  const found = family(processes, roots);
  return processes.filter((process) => found.has(process));
}

/** These become what they start, under its name: what that is stands in their arguments. */
const RUNNERS = /^(npx|bunx|uvx|pnpx|pipx|uv|cmd)$/;

/** Flags and secrets aside it has every argument, and the command unless that is a runner. */
function isServer({ command: line }: Process, { command, args }: Entry): boolean {
  if (typeof command !== "string") return false;
  const words = line.split(" ");
  const telling = textsOf(args).filter((word) => !/^-|\$\{|\{project\}/.test(word));
  const name = baseName(command);
  const isRunner = RUNNERS.test(name);
  if (isRunner && telling.length === 0) return false;
  // A script runs under its interpreter, which comes first.
  const isNamed = isRunner || words.slice(0, 2).some((word) => baseName(word) === name);
  return isNamed && telling.every((word) => ` ${line} `.includes(` ${word} `));
}

function baseName(path: string): string {
  return (path.split(/[/\\]/).at(-1) ?? "").replace(/\.(exe|cmd|bat|[cm]?js|py)$/i, "");
}

function isMcpd({ command }: Process): boolean {
  return /^(\S*[/\\])?mcpd(\.exe)?"? /.test(`${command} `);
}
