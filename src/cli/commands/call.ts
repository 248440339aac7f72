import { callInput } from "../call-arguments.ts";
import { CALL_ARGUMENTS, callTool } from "../call-tool.ts";
import { command } from "../command.ts";

export default command({
  meta: {
    name: "call",
    description:
      "Call a tool of an upstream. The value of key=value is JSON where it parses as JSON and the " +
      "tool does not want text, else text.",
  },
  args: {
    upstream: { type: "positional", required: true, description: "Name of the upstream" },
    tool: { type: "positional", required: true, description: "Name of the tool at the upstream" },
    ...CALL_ARGUMENTS,
  },
  examples: [
    { line: "mcpd call files read_file path=/etc/hosts", text: "Arguments as key=value" },
    { line: `mcpd call web fetch '{"url": "https://example.com"}'`, text: "As a JSON object" },
    { line: "mcpd call db query @query.json limit=5", text: "From a file, one value changed" },
    { line: "mcpd call screen shot --output shot.png", text: "Save an image" },
    {
      line: `mcpd call shop order id=7 --answer size=L --answer '{"sure": true}'`,
      text: "Answer the two questions of the server without being asked",
    },
  ],
  execute({ args, options, output }) {
    const call = {
      upstream: args.upstream,
      tool: args.tool,
      ...callInput(args.arguments, "call"),
    };
    return callTool(call, args, options, output);
  },
});
