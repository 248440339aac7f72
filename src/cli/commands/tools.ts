import { command } from "../command.ts";
import { firstSentence, LIST_ARGUMENTS, printList } from "../listing.ts";
import { table } from "../table.ts";

const COLUMNS = [{ title: "TOOL" }, { title: "UPSTREAM" }, { title: "DESCRIPTION" }];

export default command({
  meta: {
    name: "tools",
    description: "List or search the tools of all upstreams, as clients of /mcp see them.",
  },
  args: LIST_ARGUMENTS,
  examples: [
    { line: "mcpd tools", text: "All tools" },
    { line: "mcpd tools file", text: "Those about files" },
    { line: "mcpd tools --json | jq '.tools[].inputSchema'", text: "With their input schemas" },
  ],
  async execute({ args, ...context }) {
    return await printList("mcpd/tools", args, context, ({ tools }, width) => {
      if (tools.length === 0) return "";
      const rows = tools.map(({ name, upstream, title, description }) => [
        name,
        upstream,
        firstSentence(description === "" ? title : description),
      ]);
      return table(COLUMNS, rows, width);
    });
  },
});
