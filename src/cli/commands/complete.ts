import { command } from "../command.ts";
import { candidates } from "../complete.ts";

export default command({
  meta: {
    name: "complete",
    description: "Print what may follow on a half-typed line: a word and a tab and its meaning.",
  },
  args: {
    words: { type: "positional", multiple: true, required: false, description: "After 'mcpd'" },
  },
  examples: [{ line: "mcpd complete -- servers ''", text: "What may follow 'mcpd servers'" }],
  async execute({ args, options, output }) {
    const found = await candidates(args.words);
    if (options.json) output.json(found);
    else output.write(found.map(({ word, text }) => `${word}\t${text}\n`).join(""));
    return 0;
  },
});
