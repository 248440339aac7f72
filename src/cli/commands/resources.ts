import { command } from "../command.ts";
import { firstSentence, LIST_ARGUMENTS, printList } from "../listing.ts";
import { table } from "../table.ts";

const COLUMNS = [
  { title: "RESOURCE" },
  { title: "UPSTREAM" },
  { title: "TYPE" },
  { title: "DESCRIPTION" },
];

export default command({
  meta: {
    name: "resources",
    description:
      "List or search the resources of all upstreams. Those with {braces} are templates of many.",
  },
  args: LIST_ARGUMENTS,
  examples: [
    { line: "mcpd resources", text: "All resources and templates" },
    { line: "mcpd resources log --upstream files", text: "Those about logs, of one upstream" },
  ],
  async execute({ args, ...context }) {
    return await printList("mcpd/resources", args, context, ({ resources }, width) => {
      if (resources.length === 0) return "";
      const rows = resources.map(({ uri, upstream, mimeType, name, title, description }) => [
        uri,
        upstream,
        mimeType,
        firstSentence([description, title, name].find((text) => text !== "") ?? ""),
      ]);
      return table(COLUMNS, rows, width);
    });
  },
});
