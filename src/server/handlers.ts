import type { ControlApi, ToolRow } from "../control/api.ts";
import type { ControlHandlers } from "../control/host.ts";
import { FaultError } from "../core/fault.ts";
import type { ListKind } from "../core/listing.ts";
import type { Switchboard } from "../core/switchboard.ts";
import { aimedHandlers, expectUpstream, problemOf } from "./aimed.ts";
import type { Insider, Listed } from "./insider.ts";
import type { Metrics } from "./metrics.ts";
import type { ResultShelf } from "./result-shelf.ts";
import { promptRows, resourceRows, searchRows, toolRows } from "./rows.ts";
import { buildStatus, type StatusSources } from "./status.ts";

type Search = ControlApi["mcpd/tools"]["params"];
type Found = Exclude<Listed, { readonly ok: false }>;

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
  const list = async ({ upstream, project }: Search, kind: ListKind): Promise<Found> => {
    expectUpstream(switchboard, upstream);
    const listed = await insider.list(project ?? null, kind);
    if ("ok" in listed) throw new FaultError(problemOf(listed.error));
    return listed;
  };
  return {
    "mcpd/status": (params) => buildStatus(sources.status, params.measure === true),
    "mcpd/apply": () => sources.apply(),
    "mcpd/cache"({ forget = false, upstream }) {
      expectUpstream(switchboard, upstream);
      if (forget) switchboard.forgetResults(upstream ?? null);
      const { memory, disk } = sources.results;
      const upstreams = [...sources.metrics.upstreams]
        .map(([name, { hits, shared, misses }]) => ({ name, hits, shared, misses }))
        .filter(({ name }) => upstream === undefined || name === upstream)
        .filter(({ hits, shared, misses }) => hits + shared + misses > 0);
      return { memory, disk, upstreams };
    },
    async "mcpd/tools"(search) {
      const { list: catalog, missing } = await list(search, "tools");
      return { tools: narrowed(toolRows(catalog), search), missing };
    },
    async "mcpd/prompts"(search) {
      const { list: catalog, missing } = await list(search, "prompts");
      return { prompts: narrowed(promptRows(catalog), search), missing };
    },
    async "mcpd/resources"(search) {
      const resources = await list(search, "resources");
      const templates = await list(search, "templates");
      const rows = [
        ...resourceRows(resources.list, "uri"),
        ...resourceRows(templates.list, "uriTemplate"),
      ];
      return { resources: narrowed(rows, search), missing: templates.missing };
    },
    ...aimedHandlers(switchboard, insider),
  };
}

function narrowed<R extends Pick<ToolRow, "upstream" | "name" | "title" | "description">>(
  rows: readonly R[],
  { upstream, search }: Search,
): readonly R[] {
  const own = rows.filter((row) => upstream === undefined || row.upstream === upstream);
  return search === undefined ? own : searchRows(own, search);
}
