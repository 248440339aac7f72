/**
 * The load generator, a process of its own: clients that each hold one MCP session and one call in
 * flight, over HTTP or each with a child on stdio. Every answer is checked: its id and its text.
 *
 *   bun load.ts LOAD-AS-JSON    prints a LoadResult as JSON
 */
import { type Caller, connectCaller, spawnCaller, type StdioTarget } from "./caller.ts";
import { payloadOf } from "./payload.ts";
import { cpuMs, machineBusyMs } from "./process.ts";
import { connectSocketCaller } from "./socket-caller.ts";
import { connectSseCaller } from "./sse-caller.ts";
import { quantile } from "./statistics.ts";

/** Where the calls go. */
export type Target =
  | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      /** HTTP+SSE, the transport of 2024-11-05; the URL of its stream. */
      readonly kind: "sse";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      /** The daemon's private socket, and the one server that is wanted there. */
      readonly kind: "socket";
      readonly address: string;
      readonly upstream: string;
    }
  | StdioTarget;

export type Load = {
  readonly target: Target;
  /** Before the names of tools, where the target has other names for them. */
  readonly prefix?: string;
  /** Whether each client deletes its session when it is done. */
  readonly ends?: boolean;
  readonly clients: number;
  /** Length of the text in an answer; the request carries it too up to 4,096. */
  readonly textLength: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  /** Over all clients; the window ends early when they are made. */
  readonly callsMax: number;
  /** Processes whose CPU time is counted over the window. */
  readonly watch: { readonly proxy: readonly number[]; readonly upstream: readonly number[] };
};

export type LoadResult = {
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly firstError: string | null;
  readonly proxyCpuMicros: number;
  readonly upstreamCpuMicros: number;
  readonly generatorCpuMicros: number;
  /** Share of the window that the generator was on a core; near 1 it is the bottleneck. */
  readonly generatorBusy: number;
  /** Cores that programs outside of the bench kept busy meanwhile: they disturb the figures. */
  readonly othersBusy: number;
};

const ECHO_LENGTH_MAX = 4096;

/** What one call asks, and whether an answer is right: null, or what is wrong with it. */
type Expectation = {
  readonly line: string;
  readonly check: (answer: Buffer) => string | null;
};

/** Makes calls whose text is found in no other: the client and the number are in it. */
export function expectations(
  textLength: number,
  prefix = "",
): (id: number, client: number) => Expectation {
  const payload = payloadOf(textLength);
  const encoded = Buffer.from(JSON.stringify(payload).slice(1, -1));
  return (id, client) => {
    const text = `client ${client} call ${id} ${payload}`.slice(0, textLength);
    const small = textLength <= ECHO_LENGTH_MAX;
    const params = small
      ? { name: `${prefix}echo`, arguments: { text } }
      : { name: `${prefix}bytes`, arguments: { count: textLength } };
    return {
      line: JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params }),
      check: (answer) => (small ? checkSmall(answer, id, text) : checkLarge(answer, id, encoded)),
    };
  };
}

function checkSmall(answer: Buffer, id: number, text: string): string | null {
  const body = answer.toString();
  const message = JSON.parse(body);
  const right = message.id === id && message.result?.content?.[0]?.text === text;
  return right ? null : `call ${id} expected ${JSON.stringify(text)}, got ${body.slice(0, 300)}`;
}

/** Compares the text as bytes and parses only what is around it: parsing 1 MiB would cost more. */
function checkLarge(answer: Buffer, id: number, encoded: Buffer): string | null {
  const start = answer.indexOf(encoded.subarray(0, 64));
  const end = start + encoded.length;
  if (start === -1 || !encoded.equals(answer.subarray(start, end))) {
    return `call ${id} got another text: ${answer.toString("utf8", 0, 300)}`;
  }
  return checkSmall(Buffer.concat([answer.subarray(0, start), answer.subarray(end)]), id, "");
}

type Tally = { counting: boolean; endsAtMs: number; latenciesMs: number[]; errors: string[] };

async function runClient(caller: Caller, client: number, load: Load, tally: Tally): Promise<void> {
  const expectationOf = expectations(load.textLength, load.prefix);
  for (let id = 1; ; id++) {
    const { line, check } = expectationOf(id, client);
    const counted = tally.counting;
    const startMs = performance.now();
    if (startMs >= tally.endsAtMs || tally.latenciesMs.length >= load.callsMax) return;
    try {
      const answer = await caller.call(line);
      const takenMs = performance.now() - startMs;
      if (counted) tally.latenciesMs.push(takenMs);
      const problem = check(answer);
      if (problem !== null) tally.errors.push(problem);
    } catch (error) {
      tally.errors.push(String(error));
      return;
    }
  }
}

/** Opens all sessions, warms up, measures one window. Throws when a session cannot be opened. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const { target, watch } = load;
  const callers = await Promise.all(
    Array.from({ length: load.clients }, () => openCaller(target, load.ends)),
  );
  const proxy = target.kind === "stdio" ? callers.flatMap((caller) => caller.pids) : watch.proxy;
  const tally: Tally = { counting: false, endsAtMs: Infinity, latenciesMs: [], errors: [] };
  const running = callers.map((caller, client) => runClient(caller, client, load, tally));
  await Bun.sleep(load.warmupMs);
  const before = used(proxy, watch.upstream);
  const startMs = performance.now();
  tally.endsAtMs = startMs + load.durationMs;
  tally.counting = true;
  await Promise.all(running);
  const elapsedMs = performance.now() - startMs;
  const after = used(proxy, watch.upstream);
  for (const caller of callers) caller.close();
  return resultOf(tally, elapsedMs, before, after);
}

/** A client of a target, after its handshake. */
export async function openCaller(target: Target, ends = false): Promise<Caller> {
  switch (target.kind) {
    case "http":
      return await connectCaller(target.url, target.headers, ends);
    case "sse":
      return await connectSseCaller(target.url, target.headers);
    case "socket":
      return await connectSocketCaller(target.address, target.upstream);
    case "stdio":
      return await spawnCaller(target);
  }
}

type Used = { readonly [who in "proxy" | "upstream" | "generator" | "machine"]: number };

/** CPU time so far, in ms. */
function used(proxy: readonly number[], upstream: readonly number[]): Used {
  const own = process.cpuUsage();
  return {
    proxy: cpuMs(proxy),
    upstream: cpuMs(upstream),
    generator: (own.user + own.system) / 1000,
    machine: machineBusyMs(),
  };
}

function resultOf(tally: Tally, elapsedMs: number, before: Used, after: Used): LoadResult {
  const { latenciesMs, errors } = tally;
  const calls = latenciesMs.length;
  const proxyMs = after.proxy - before.proxy;
  const upstreamMs = after.upstream - before.upstream;
  const generatorMs = after.generator - before.generator;
  const othersMs = after.machine - before.machine - proxyMs - upstreamMs - generatorMs;
  return {
    calls,
    callsPerSecond: (calls / elapsedMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p95Ms: quantile(latenciesMs, 0.95),
    p99Ms: quantile(latenciesMs, 0.99),
    errors: errors.length,
    firstError: errors[0] ?? null,
    proxyCpuMicros: (proxyMs * 1000) / calls,
    upstreamCpuMicros: (upstreamMs * 1000) / calls,
    generatorCpuMicros: (generatorMs * 1000) / calls,
    generatorBusy: generatorMs / elapsedMs,
    othersBusy: Math.max(0, othersMs / elapsedMs),
  };
}

if (import.meta.main) {
  console.log(JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? "{}"))));
}
