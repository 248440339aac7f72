import type { ToolRow } from "../../control/api.ts";
import { command } from "../command.ts";
import { withDaemon } from "../here.ts";
import { workingDirectory } from "../project.ts";
import { table } from "../table.ts";

/** The daemon waits for upstreams that start, but not this long. */
const LISTS_MS = 60_000;

export default command({
  meta: {
    name: "tools",
    description: "List or search the tools of all upstreams, as clients of /mcp see them.",
  },
  args: {
    search: { type: "positional", required: false, description: "Words to look for" },
    upstream: { type: "string", alias: "u", valueHint: "NAME", description: "Only of this one" },
  },
  examples: [
    { line: "mcpd tools", text: "All tools" },
    { line: "mcpd tools file", text: "Those about files" },
    { line: "mcpd tools --json | jq '.tools[].inputSchema'", text: "With their input schemas" },
  ],
  async execute({ args, options, output }) {
    const project = workingDirectory();
    const params = {
      ...(project === null ? {} : { project }),
      ...(args.search === undefined ? {} : { search: args.search }),
      ...(args.upstream === undefined ? {} : { upstream: args.upstream }),
    };
    const found = await output.busy("Asking the upstreams", () =>
      withDaemon((daemon) => daemon.request("mcpd/tools", params, { timeoutMs: LISTS_MS })),
    );
    if (options.json) output.json(found);
    else if (found.tools.length > 0) output.print(toolTable(found.tools, await output.width()));
    else output.notes.info("No tools found");
    if (found.missing.length > 0) {
      output.notes.warn(`Not listed, because they are not ready: ${found.missing.join(", ")}`);
    }
    return 0;
  },
});

/** Tools for people: name, upstream, and as much of the description as fits. */
function toolTable(tools: readonly ToolRow[], width: number | null): string {
  const columns = [{ title: "TOOL" }, { title: "UPSTREAM" }, { title: "DESCRIPTION" }];
  const rows = tools.map(({ name, upstream, title, description }) => [
    name,
    upstream,
    firstSentence(description === "" ? title : description),
  ]);
  return table(columns, rows, width);
}

function firstSentence(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.replaceAll(/\s+/g, " ");
}
