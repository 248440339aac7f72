import { aimOf } from "../../lib/aim.ts";
import { AIM_ARGUMENTS, askFor } from "../aimed.ts";
import { callInput, type ToolInput } from "../call-arguments.ts";
import { readResult } from "../call-result.ts";
import { command } from "../command.ts";

export default command({
  meta: {
    name: "prompt",
    description: "Print a prompt, filled in. NAME is one of 'mcpd prompts', or UPSTREAM/PROMPT.",
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the prompt" },
    arguments: {
      type: "positional",
      multiple: true,
      required: false,
      valueHint: "ARGUMENT",
      description: "key=value, JSON object, @FILE or - for standard input",
    },
    ...AIM_ARGUMENTS,
  },
  examples: [
    { line: "mcpd prompt greet name=Ada", text: "Its messages, one after the other" },
    { line: "mcpd prompt github/review pr=7 --json", text: "As the upstream gives it" },
  ],
  async execute({ args, options, output }) {
    const { name: prompt, ...aim } = aimOf(args.name);
    const what = { ...aim, prompt, arguments: textsOf(callInput(args.arguments, "prompt")) };
    const text = `Asking for ${prompt}`;
    const result = await askFor("mcpd/prompt", what, args, { options, output, text });
    if (options.json) {
      output.json(result);
      return 0;
    }
    for (const [index, { role, content }] of result.messages.entries()) {
      const head = output.paint("bold", `${role}:`);
      output.write(`${index === 0 ? "" : "\n"}${head}\n${readResult({ content: [content] }).text}`);
    }
    return 0;
  },
});

/** The arguments of a prompt are texts, also where they look like something else. */
function textsOf({ arguments: input, texts }: ToolInput): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries({ ...input, ...texts }).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}
