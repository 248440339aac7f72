import { findKey } from "../api-key.ts";
import { command } from "../command.ts";
import { inForce, openConfig } from "../config-file.ts";

export default command({
  meta: {
    name: "show-key",
    description: "Print the API key that HTTP clients need, and nothing else.",
  },
  args: {
    headers: {
      type: "boolean",
      description: "Print the HTTP headers with the key as JSON, for clients that run a command",
    },
  },
  examples: [
    {
      line: 'curl -H "X-API-Key: $(mcpd show-key)" http://127.0.0.1:8321/metrics',
      text: "Use it without seeing it",
    },
    { line: "mcpd show-key --json", text: "With the place it comes from" },
  ],
  execute({ args, options, output }) {
    const { daemon } = inForce(openConfig(options.config));
    const found = findKey(daemon);
    if (daemon.auth === "none")
      output.notes.warn("The daemon asks for no key: daemon.auth is none");
    if (args.headers) output.print(JSON.stringify({ Authorization: `Bearer ${found.key}` }));
    else if (options.json) output.json(found);
    else output.print(found.key);
    return 0;
  },
});
