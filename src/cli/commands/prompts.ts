import type { PromptRow } from "../../control/api.ts";
import { command } from "../command.ts";
import { firstSentence, LIST_ARGUMENTS, printList } from "../listing.ts";
import { table } from "../table.ts";

const COLUMNS = [
  { title: "PROMPT" },
  { title: "UPSTREAM" },
  { title: "ARGUMENTS" },
  { title: "DESCRIPTION" },
];

export default command({
  meta: { name: "prompts", description: "List or search the prompts of all upstreams." },
  args: LIST_ARGUMENTS,
  examples: [
    { line: "mcpd prompts", text: "All prompts" },
    { line: "mcpd prompts --upstream github", text: "Those of one upstream" },
  ],
  async execute({ args, ...context }) {
    return await printList("mcpd/prompts", args, context, ({ prompts }, width) => {
      if (prompts.length === 0) return "";
      const rows = prompts.map((prompt) => [
        prompt.name,
        prompt.upstream,
        argumentsOf(prompt),
        firstSentence(prompt.description === "" ? prompt.title : prompt.description),
      ]);
      return table(COLUMNS, rows, width);
    });
  },
});

/** "name [style]": what may be left out is in brackets. */
function argumentsOf(prompt: PromptRow): string {
  return prompt.arguments.map(({ name, required }) => (required ? name : `[${name}]`)).join(" ");
}
