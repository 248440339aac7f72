import { command } from "../command.ts";
import { changeConfig, DRY_RUN } from "../config-change.ts";
import { openConfig } from "../config-file.ts";
import { addLine, entryOf } from "../upstream-entry.ts";

export default command({
  meta: {
    name: "servers remove",
    description:
      "Remove an upstream from the config; a running daemon stops it. Prints the line that adds it again.",
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the upstream" },
    ...DRY_RUN,
  },
  examples: [{ line: "mcpd servers remove files --dry-run", text: "See what would go" }],
  execute({ args, options, output }) {
    const config = openConfig(options.config);
    const { name } = args;
    const change = {
      edits: [{ kind: "remove", path: ["mcpServers", name] }],
      done: `Removed "${name}"`,
      undo: addLine(name, entryOf(config, name)),
    } as const;
    return changeConfig(config, change, { dryRun: args["dry-run"], options, output });
  },
});
