import { aimOf } from "../../lib/aim.ts";
import { callInput } from "../call-arguments.ts";
import { CALL_ARGUMENTS, callTool } from "../call-tool.ts";
import { command } from "../command.ts";

export default command({
  meta: {
    name: "call-tool",
    description:
      "Call a tool by its name: TOOL where only one upstream has it, UPSTREAM/TOOL or UPSTREAM__TOOL.",
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the tool" },
    ...CALL_ARGUMENTS,
  },
  examples: [
    {
      line: `mcpd call-tool read_file '{"path": "/etc/hosts"}'`,
      text: "The only read_file there is",
    },
    { line: "mcpd call-tool files/read_file path=/etc/hosts", text: "That of one upstream" },
  ],
  execute({ args, options, output }) {
    // The daemon knows UPSTREAM__TOOL; UPSTREAM/TOOL is ours, because it is how people write it.
    const { name: tool, ...aim } = aimOf(args.name);
    const call = { ...aim, tool, ...callInput(args.arguments, "call-tool") };
    return callTool(call, args, options, output);
  },
});
