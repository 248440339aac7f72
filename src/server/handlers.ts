import type { CallResult, ControlApi } from "../control/api.ts";
import type { ControlHandlers } from "../control/host.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { faultOf, type Outcome, type RpcError } from "../core/message.ts";
import type { Switchboard } from "../core/switchboard.ts";
import { didYouMean } from "../lib/text.ts";
import type { Insider } from "./insider.ts";
import type { Metrics } from "./metrics.ts";
import type { ResultShelf } from "./result-shelf.ts";
import { buildStatus, type StatusSources } from "./status.ts";
import { searchTools } from "./tools.ts";

/** The handlers behind the table of control/api.ts. */
export function controlHandlers(sources: {
  readonly switchboard: Switchboard;
  readonly insider: Insider;
  readonly status: StatusSources;
  readonly results: ResultShelf;
  readonly metrics: Metrics;
  readonly apply: () => Promise<ControlApi["mcpd/apply"]["result"]>;
}): ControlHandlers {
  const { switchboard, insider } = sources;
  return {
    "mcpd/status": (params) => buildStatus(sources.status, params.measure === true),
    "mcpd/apply": () => sources.apply(),
    "mcpd/cache"({ forget = false, upstream }) {
      known(switchboard, upstream);
      if (forget) switchboard.forgetResults(upstream ?? null);
      const { memory, disk } = sources.results;
      const upstreams = [...sources.metrics.upstreams]
        .map(([name, { hits, shared, misses }]) => ({ name, hits, shared, misses }))
        .filter(({ name }) => upstream === undefined || name === upstream)
        .filter(({ hits, shared, misses }) => hits + shared + misses > 0);
      return { memory, disk, upstreams };
    },
    async "mcpd/tools"({ upstream, search, project = null }) {
      known(switchboard, upstream);
      // Asking as a client does waits for the upstreams that are starting, within bounds.
      const place = { view: { kind: "all" }, project } as const;
      expectResult(await insider.request(place, "tools/list", {}));
      const { tools, missing } = insider.tools(project);
      const rows = tools.filter((row) => upstream === undefined || row.upstream === upstream);
      return { tools: search === undefined ? rows : searchTools(rows, search), missing };
    },
    async "mcpd/call"({ upstream, tool, arguments: input, timeoutMs, project = null }, context) {
      known(switchboard, upstream);
      const view =
        upstream === undefined ? ({ kind: "all" } as const) : ({ kind: "one", upstream } as const);
      const params = { name: tool, arguments: input };
      const limit = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
      const { signal } = context;
      const outcome = await insider.request({ view, project }, "tools/call", params, {
        signal: limit === null ? signal : AbortSignal.any([signal, limit]),
        onProgress: (progress) =>
          context.progress({
            progress: Number(progress["progress"]),
            total: typeof progress["total"] === "number" ? progress["total"] : null,
            message: typeof progress["message"] === "string" ? progress["message"] : null,
          }),
      });
      if (!outcome.ok && limit?.aborted === true && !signal.aborted) {
        const text = `Tool "${tool}" timed out: it has not answered within ${timeoutMs} ms`;
        throw new FaultError(fault("exchange.timed-out", text, upstream));
      }
      expectTool(switchboard, upstream, tool, outcome);
      return expectResult(outcome) as CallResult;
    },
  };
}

/** Upstreams say in many ways that they have no such tool: what they list decides. */
function expectTool(
  switchboard: Switchboard,
  upstream: string | undefined,
  tool: string,
  outcome: Outcome,
): void {
  if (!mayBeUnknown(outcome)) return;
  const lists = switchboard.instances.flatMap(({ name, listings }) =>
    name === upstream ? (listings.get("tools") ?? []) : [],
  );
  const names = lists.flatMap(({ entries }) => entries.map((entry) => String(entry["name"])));
  if (lists.length === 0 || names.includes(tool)) return;
  const text = `Upstream "${upstream}" has no tool "${tool}".${didYouMean(tool, names)}`;
  throw new FaultError(fault("tool.unknown", text.replace(/\.$/, ""), tool));
}

/** An error of the upstream's own, or a result of it that says so in words. */
function mayBeUnknown(outcome: Outcome): boolean {
  if (!outcome.ok) return faultOf(outcome.error) === null;
  const { isError } = outcome.result.value as CallResult;
  return isError === true && /unknown|not found/i.test(outcome.result.text);
}

function known(switchboard: Switchboard, upstream: string | undefined): void {
  if (upstream === undefined) return;
  const names = switchboard.upstreams.map((candidate) => candidate.name);
  if (names.includes(upstream)) return;
  const help = didYouMean(upstream, names) || ` The config has ${names.join(", ")}.`;
  const text = `There is no upstream "${upstream}".${help}`.replace(/\.$/, "");
  throw new FaultError(fault("upstream.unknown", text, upstream));
}

function expectResult(outcome: Outcome): unknown {
  if (outcome.ok) return outcome.result.value;
  throw new FaultError(faultOf(outcome.error) ?? refused(outcome.error));
}

function refused({ code, message, data }: RpcError): Fault {
  const details = data === undefined ? {} : { details: data };
  return fault("upstream.refused", `${message} (JSON-RPC error ${code})`, "", { code, ...details });
}
