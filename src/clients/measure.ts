import type { Entry } from "./client.ts";

/** A process as the system lists it. */
type Process = {
  readonly pid: number;
  readonly parent: number;
  readonly residentBytes: number;
  readonly command: string;
};

/** Processes and their resident memory. */
export type Cost = { readonly processes: number; readonly residentBytes: number };

/**
 * What these servers cost where clients start them themselves: every process whose command line
 * says that it is one, and what it has started. What runs under mcpd is not counted.
 */
export function costOutside(processes: readonly Process[], entries: readonly Entry[]): Cost {
  const shared = family(processes, processes.filter(isMcpd));
  const others = processes.filter(({ pid }) => !shared.has(pid));
  const signs = entries.map(signOf).filter((words) => words.length > 0);
  const roots = others.filter(({ command }) =>
    signs.some((words) => words.every((word) => command.includes(word))),
  );
  return costOf(others, family(others, roots));
}

/** What a process costs with all it has started. */
export function costUnder(processes: readonly Process[], pid: number): Cost {
  const root = processes.filter((process) => process.pid === pid);
  return costOf(processes, family(processes, root));
}

/** What tells a server from others: its arguments without flags and secrets, else its command. */
function signOf(entry: Entry): readonly string[] {
  const { command } = entry;
  if (typeof command !== "string") return [];
  const args = Array.isArray(entry["args"]) ? entry["args"].map(String) : [];
  const telling = args.filter((word) => !/^-|\$\{|\{project\}/.test(word) && word.length > 2);
  // npx, uvx and their like replace themselves: what they run is in the arguments.
  return telling.length > 0 ? telling : args.length > 0 ? [] : [command];
}

function isMcpd({ command }: Process): boolean {
  return /^(\S*[/\\])?mcpd(\.exe)?"? /.test(`${command} `);
}

function family(processes: readonly Process[], roots: readonly Process[]): ReadonlySet<number> {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const found = new Set<number>();
  for (const open = [...roots]; open.length > 0;) {
    const next = open.pop();
    if (next === undefined || found.has(next.pid)) continue;
    found.add(next.pid);
    open.push(...(children.get(next.pid) ?? []));
  }
  return found;
}

function costOf(processes: readonly Process[], pids: ReadonlySet<number>): Cost {
  const counted = processes.filter(({ pid }) => pids.has(pid));
  const residentBytes = counted.reduce((sum, process) => sum + process.residentBytes, 0);
  return { processes: counted.length, residentBytes };
}
