import { aimOf } from "../../lib/aim.ts";
import { AIM_ARGUMENTS, askFor } from "../aimed.ts";
import { command } from "../command.ts";
import { pair } from "../values.ts";

export default command({
  meta: {
    name: "suggest",
    description:
      "Ask an upstream what an argument of a prompt or of a resource template may be " +
      "(completion/complete of MCP).",
  },
  args: {
    name: {
      type: "positional",
      required: true,
      description: "Prompt (or UPSTREAM/PROMPT), or template of 'mcpd resources'",
    },
    argument: { type: "positional", required: true, description: "Name of the argument" },
    value: { type: "positional", default: "", description: "What is typed so far" },
    known: {
      type: "string",
      multiple: true,
      alias: "k",
      valueHint: "KEY=VALUE",
      description: "An argument that is known already",
    },
    upstream: {
      type: "string",
      alias: "u",
      valueHint: "NAME",
      description: "Whose it is, where the lists do not tell",
    },
    ...AIM_ARGUMENTS,
  },
  examples: [
    { line: "mcpd suggest greet name a", text: "Names that begin with a" },
    { line: "mcpd suggest 'file:///{path}' path src/", text: "Paths of a template" },
  ],
  async execute({ args, options, output }) {
    const { argument, value, known, upstream } = args;
    const { aim, of } = subjectOf(args.name);
    const others = Object.fromEntries(known.map((text) => pair(text, "--known", "suggest")));
    const what = {
      of,
      argument,
      value,
      ...(known.length === 0 ? {} : { others }),
      ...(upstream === undefined ? aim : { upstream }),
    };
    const text = `Asking for values of ${argument}`;
    const result = await askFor("mcpd/suggest", what, args, { options, output, text });
    if (options.json) output.json(result);
    else if (result.values.length > 0) output.print(result.values.join("\n"));
    if (result.hasMore) output.notes.info("There are more");
    return 0;
  },
});

type Subject = {
  readonly aim: { readonly upstream?: string };
  readonly of: { readonly prompt: string } | { readonly resource: string };
};

/** Templates have braces, which names of prompts have not. */
function subjectOf(name: string): Subject {
  if (name.includes("{")) return { aim: {}, of: { resource: name } };
  const { name: prompt, ...aim } = aimOf(name);
  return { aim, of: { prompt } };
}
