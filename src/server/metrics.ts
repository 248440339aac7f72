import { type CallRecord, isFailure } from "../core/record.ts";
import type { Upstream } from "../core/upstream.ts";
import type { ResultShelf } from "./result-shelf.ts";

/** Upper bounds of the latency histogram in milliseconds; the last bucket is open. */
const BUCKETS_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

/** What one upstream has done since the daemon started. */
export type UpstreamCounts = {
  calls: number;
  errors: number;
  oddities: number;
  /** Answered with a kept result, with another's answer, or asked although either was possible. */
  hits: number;
  shared: number;
  misses: number;
};

/** The numbers of this process: plain counters, so that counting costs nothing on the hot path. */
export class Metrics {
  requests = 0;
  errors = 0;
  readonly outcomes = new Map<string, number>();
  readonly upstreams = new Map<string, UpstreamCounts>();
  readonly #buckets: number[] = BUCKETS_MS.map(() => 0);
  #sumMs = 0;
  readonly #connections: () => number;
  readonly #instances: () => readonly Upstream[];
  readonly #results: () => Pick<ResultShelf, "memory" | "disk">;

  constructor(gauges: {
    readonly connections: () => number;
    readonly instances: () => readonly Upstream[];
    readonly results: () => Pick<ResultShelf, "memory" | "disk">;
  }) {
    this.#connections = gauges.connections;
    this.#instances = gauges.instances;
    this.#results = gauges.results;
  }

  record(record: CallRecord): void {
    this.requests += 1;
    this.#sumMs += record.durationMs;
    const counts = this.of(record.upstream);
    counts.calls += 1;
    if (isFailure(record.outcome)) {
      this.errors += 1;
      counts.errors += 1;
    }
    this.outcomes.set(record.outcome, (this.outcomes.get(record.outcome) ?? 0) + 1);
    if (record.reuse === "hit") counts.hits += 1;
    else if (record.reuse === "shared") counts.shared += 1;
    else if (record.reuse === "miss") counts.misses += 1;
    const bucket = BUCKETS_MS.findIndex((bound) => record.durationMs <= bound);
    if (bucket >= 0) this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  of(upstream: string): UpstreamCounts {
    let counts = this.upstreams.get(upstream);
    if (counts === undefined) {
      counts = { calls: 0, errors: 0, oddities: 0, hits: 0, shared: 0, misses: 0 };
      this.upstreams.set(upstream, counts);
    }
    return counts;
  }

  /** The document's three numbers first (MISSION A15), then ours. */
  json(): { readonly [key: string]: number } {
    const { memory, disk } = this.#results();
    return {
      connections: this.#connections(),
      requests: this.requests,
      errors: this.errors,
      in_flight: this.#inFlight,
      duration_ms_sum: Math.round(this.#sumMs),
      cache_hits: this.#sum("hits"),
      cache_shared: this.#sum("shared"),
      cache_misses: this.#sum("misses"),
      cache_memory_bytes: memory.bytes,
      cache_disk_bytes: disk.bytes,
    };
  }

  /** Prometheus text; prom-client is loaded by the first scrape, not at start. */
  async prometheus(): Promise<string> {
    const { Counter, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const registers = [registry];
    const gauge = (name: string, help: string, value: number): void =>
      new Gauge({ name, help, registers }).set(value);
    gauge("mcpd_sessions", "Sessions that are open", this.#connections());
    gauge("mcpd_requests_in_flight", "Requests upstreams are working on", this.#inFlight);
    const requests = new Counter({
      name: "mcpd_requests_total",
      help: "Requests for upstreams, by outcome",
      labelNames: ["outcome"],
      registers,
    });
    for (const [outcome, count] of this.outcomes) requests.inc({ outcome }, count);
    const perUpstream = (name: string, help: string, pick: keyof UpstreamCounts): void => {
      const counter = new Counter({ name, help, labelNames: ["upstream"], registers });
      for (const [upstream, counts] of this.upstreams) counter.inc({ upstream }, counts[pick]);
    };
    perUpstream("mcpd_upstream_calls_total", "Requests for one upstream", "calls");
    perUpstream("mcpd_upstream_errors_total", "Requests that failed at one upstream", "errors");
    perUpstream("mcpd_upstream_oddities_total", "Protocol breaches of one upstream", "oddities");
    perUpstream("mcpd_cache_hits_total", "Requests answered with a kept result", "hits");
    perUpstream("mcpd_cache_shared_total", "Requests answered with another's answer", "shared");
    perUpstream("mcpd_cache_misses_total", "Requests that could have been either", "misses");
    const { memory, disk } = this.#results();
    gauge("mcpd_cache_memory_bytes", "Kept results in memory", memory.bytes);
    gauge("mcpd_cache_disk_bytes", "Kept results on disk", disk.bytes);
    const instances = this.#instances();
    const perReplica = (name: string, help: string, pick: (one: Upstream) => number): void => {
      const row = new Gauge({ name, help, labelNames: ["upstream", "replica"], registers });
      for (const one of instances) {
        if (one.group !== null) row.set({ upstream: one.name, replica: one.key }, pick(one));
      }
    };
    perReplica("mcpd_replica_calls", "Requests sent to one replica", ({ counts }) => counts.calls);
    perReplica("mcpd_replica_errors", "Requests that failed there", ({ counts }) => counts.errors);
    perReplica("mcpd_replica_in_flight", "Requests it works on", ({ exchanges }) => exchanges.size);
    perReplica("mcpd_replica_healthy", "1 while it runs and is trusted", (one) =>
      one.phase === "ready" && one.group?.breaker(one) === "closed" ? 1 : 0,
    );
    return (await registry.metrics()) + this.#histogram();
  }

  get #inFlight(): number {
    return this.#instances().reduce((sum, { exchanges }) => sum + exchanges.size, 0);
  }

  #sum(count: keyof UpstreamCounts): number {
    return [...this.upstreams.values()].reduce((sum, counts) => sum + counts[count], 0);
  }

  /** prom-client's own histogram would have to see every call; ours is written out as it stands. */
  #histogram(): string {
    const name = "mcpd_request_duration_seconds";
    let total = 0;
    const rows = BUCKETS_MS.map((bound, index) => {
      total += this.#buckets[index] ?? 0;
      return `${name}_bucket{le="${bound / 1_000}"} ${total}`;
    });
    return [
      `# HELP ${name} Time from a request to its answer`,
      `# TYPE ${name} histogram`,
      ...rows,
      `${name}_bucket{le="+Inf"} ${this.requests}`,
      `${name}_sum ${this.#sumMs / 1_000}`,
      `${name}_count ${this.requests}`,
      "",
    ].join("\n");
  }
}
