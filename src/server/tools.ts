import type { ToolRow } from "../control/api.ts";
import type { Conditions } from "../core/condition.ts";
import { fault, FaultError } from "../core/fault.ts";
import type { Params } from "../core/message.ts";
import { didYouMean } from "../core/spelling.ts";
import type { BuiltinTool } from "./builtin.ts";
import type { Insider } from "./insider.ts";
import { searchRows } from "./rows.ts";
import { buildStatus, type StatusSources } from "./status.ts";

/** The tools mcpd offers to clients: what runs, what is wrong, and which tool does what. */
export function builtinTools(
  insider: Insider,
  conditions: Conditions,
  status: StatusSources,
): readonly BuiltinTool[] {
  return [
    {
      name: "list_upstreams",
      title: "List upstreams",
      description: "Lists the MCP servers mcpd runs, with their state, calls and problems.",
      inputSchema: { type: "object", properties: {}, additionalProperties: false },
      run: async () => ({ upstreams: (await buildStatus(status, false)).upstreams }),
    },
    {
      name: "list_conditions",
      title: "List conditions",
      description:
        "Lists what is wrong with mcpd or one of its upstreams, and what to do about it.",
      inputSchema: { type: "object", properties: {}, additionalProperties: false },
      run: () => ({ conditions: conditions.list() }),
    },
    {
      name: "search_tools",
      title: "Search tools",
      description: "Finds tools of all upstreams by words in their name, title or description.",
      inputSchema: {
        type: "object",
        properties: {
          query: { type: "string", description: "Words to look for" },
          limit: { type: "integer", minimum: 1, maximum: 100, default: 20 },
        },
        required: ["query"],
        additionalProperties: false,
      },
      run: async (input) => search(await insider.knownTools(), input),
    },
    {
      name: "describe_tool",
      title: "Describe a tool",
      description: "Shows the description and the input schema of one tool.",
      inputSchema: {
        type: "object",
        properties: { name: { type: "string", description: "The tool's name in the list" } },
        required: ["name"],
        additionalProperties: false,
      },
      run: async (input) => describe(await insider.knownTools(), input),
    },
  ];
}

function search(rows: readonly ToolRow[], input: Params): Params {
  const query = input["query"];
  if (typeof query !== "string") throw wrongInput("query is missing: expected a string");
  const limit = typeof input["limit"] === "number" ? input["limit"] : 20;
  const found = searchRows(rows, query);
  const tools = found.slice(0, limit).map(({ name, upstream, description }) => ({
    name,
    upstream,
    description,
  }));
  return { tools, found: found.length };
}

function describe(rows: readonly ToolRow[], input: Params): Params {
  const name = input["name"];
  if (typeof name !== "string") throw wrongInput("name is missing: expected a string");
  const row = rows.find((candidate) => candidate.name === name);
  if (row !== undefined) return { ...row };
  const names = rows.map((candidate) => candidate.name);
  const help = didYouMean(name, names);
  throw new FaultError(fault("tool.unknown", `There is no tool "${name}"${help}`, name));
}

function wrongInput(text: string): FaultError {
  return new FaultError(fault("params.invalid", text));
}
