import { shownReach } from "../config/shown.ts";
import type { Status, UpstreamStatus } from "../control/api.ts";
import type { Conditions } from "../core/condition.ts";
import { replicaNumber } from "../core/replica-units.ts";
import type { Revision } from "../core/revision.ts";
import type { Switchboard } from "../core/switchboard.ts";
import type { Upstream } from "../core/upstream.ts";
import type { Clock } from "../lib/clock.ts";
import type { Platform } from "../platform/platform.ts";
import { VERSION } from "../version.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";

/** What the status report is made of. */
export type StatusSources = {
  readonly switchboard: Switchboard;
  readonly pool: Pool;
  readonly metrics: Metrics;
  readonly conditions: Conditions;
  readonly clock: Clock;
  readonly platform: Platform;
  readonly startedAtMs: number;
  readonly uptimeMs: () => number;
  readonly revision: () => Revision;
  readonly urls: () => Status["urls"];
};

/**
 * The state of the daemon for people and scripts. `measure` adds memory, which costs a look at
 * every process.
 */
export async function buildStatus(sources: StatusSources, measure: boolean): Promise<Status> {
  const { switchboard, metrics, conditions } = sources;
  const revision = sources.revision();
  const upstreams = shownInstances(switchboard);
  return {
    version: VERSION,
    pid: process.pid,
    startedAtMs: sources.startedAtMs,
    uptimeMs: sources.uptimeMs(),
    verdict: conditions.verdict(),
    urls: sources.urls(),
    auth: revision.daemon.auth,
    config: {
      path: revision.path,
      revision: revision.number,
      hash: revision.hash,
      warnings: revision.warnings.length,
    },
    sessions: switchboard.sessions.length,
    inFlight: upstreams.reduce((sum, upstream) => sum + upstream.exchanges.size, 0),
    requests: metrics.requests,
    errors: metrics.errors,
    residentBytes: process.memoryUsage.rss(),
    upstreams: await Promise.all(
      upstreams.map((upstream) => upstreamStatus(sources, upstream, measure)),
    ),
    conditions: conditions.list(),
  };
}

async function upstreamStatus(
  sources: StatusSources,
  upstream: Upstream,
  measure: boolean,
): Promise<UpstreamStatus> {
  const { unit } = upstream;
  const instance = sources.pool.instance(upstream);
  // What runs for everybody keeps its numbers when it is replaced; an instance has its own.
  const everybody = upstream.audience.kind === "user" && upstream.group === null;
  const counts = everybody ? sources.metrics.of(upstream.name) : upstream.counts;
  const pid = instance?.pid ?? null;
  const own = unit.reach.kind === "builtin";
  const usage = measure && pid !== null && !own ? await sources.platform.usage(pid) : null;
  const since = instance?.readySinceMs ?? null;
  return {
    name: upstream.name,
    project: upstream.audience.kind === "project" ? upstream.audience.root : null,
    kind: unit.reach.kind,
    scope: unit.scope,
    replica: replicaNumber(upstream),
    trusted: upstream.group === null || upstream.group.breaker(upstream) === "closed",
    state: unit.disabled ? "disabled" : (instance?.state ?? "idle"),
    reach: shownReach(unit.reach),
    pid,
    upMs: since === null ? null : sources.clock.monotonic() - since,
    restarts: instance?.restarts ?? 0,
    sessions: sources.switchboard.sessions.filter((session) => session.sees(upstream)).length,
    inFlight: upstream.exchanges.size,
    calls: counts.calls,
    errors: counts.errors,
    residentBytes: usage?.residentBytes ?? null,
    tools: upstream.listings.get("tools")?.entries.length ?? 0,
    prompts: upstream.listings.get("prompts")?.entries.length ?? 0,
    resources: upstream.listings.get("resources")?.entries.length ?? 0,
    server: upstream.introduction?.server ?? null,
    protocolVersion: upstream.introduction?.protocolVersion ?? null,
  };
}

/** A pattern of which instances run is shown by its instances; without any, by itself. */
function shownInstances({ instances }: Switchboard): readonly Upstream[] {
  const bound = new Set(
    instances.filter(({ audience }) => audience.kind !== "user").map(({ name }) => name),
  );
  return instances.filter(({ name, audience }) => audience.kind !== "user" || !bound.has(name));
}
