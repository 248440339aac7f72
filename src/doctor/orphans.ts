import { serversOutside } from "../clients/measure.ts";
import { BUILTIN_UPSTREAM, type Unit } from "../core/unit.ts";
import { formatBytes } from "../lib/text.ts";
import type { RunningProcess } from "../platform/processes.ts";
import type { Finding } from "./finding.ts";
import type { Check } from "./scene.ts";

/** Copies of our upstreams that somebody else started: their client has gone, or still runs. */
export const orphansCheck: Check = {
  title: "orphans",
  limitMs: 10_000,
  run({ processes, config }) {
    if (processes === null) return [];
    const entries = config.revision.units.flatMap(entryOf);
    const outside = serversOutside(processes, entries);
    const pids = new Set(processes.map(({ pid }) => pid));
    const left = outside.filter((one) => isLeft(one, processes, pids));
    const others = outside.filter((one) => !left.includes(one));
    const direct: Finding = {
      name: "clients.direct",
      subject: "",
      severity: "info",
      what: `${count(others)} of your servers run outside of mcpd (${sizeOf(others)})`,
      why: `A client started them itself: ${shown(others)}`,
      mend: "mcpd setup",
      fix: null,
    };
    const orphaned: Finding = {
      name: "orphans",
      subject: "",
      severity: "warning",
      what: `${count(left)} of former clients are left behind (${sizeOf(left)})`,
      why: `Who started them has gone: ${shown(left)}`,
      // Whether one is wanted all the same, only its user knows.
      mend: `kill ${left.map(({ pid }) => pid).join(" ")}`,
      fix: null,
    };
    return [...(left.length > 0 ? [orphaned] : []), ...(others.length > 0 ? [direct] : [])];
  },
};

function entryOf({ upstream, reach }: Unit): readonly { readonly [key: string]: unknown }[] {
  if (upstream === BUILTIN_UPSTREAM || reach.kind !== "stdio") return [];
  return [{ command: reach.command, args: reach.args }];
}

/** Whoever takes over processes without a parent: the first process, or a user's manager. */
function isLeft(
  { parent }: RunningProcess,
  processes: readonly RunningProcess[],
  pids: ReadonlySet<number>,
): boolean {
  if (parent <= 1) return true;
  const manager = processes.find(({ pid }) => pid === parent);
  return pids.has(parent) && /\bsystemd\b.*--user/.test(manager?.command ?? "");
}

function count(processes: readonly RunningProcess[]): string {
  return processes.length === 1 ? "One copy" : `${processes.length} copies`;
}

function sizeOf(processes: readonly RunningProcess[]): string {
  return formatBytes(processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0));
}

function shown(processes: readonly RunningProcess[]): string {
  return `pid ${processes.map(({ pid }) => pid).join(", ")}`;
}
