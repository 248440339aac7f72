import { shellWord } from "../../lib/text.ts";
import { command } from "../command.ts";
import { changeConfig, DRY_RUN } from "../config-change.ts";
import { openConfig } from "../config-file.ts";
import { entryOf } from "../upstream-entry.ts";

export default command({
  meta: {
    name: "servers disable",
    description: "Disable an upstream but keep its entry: it is stopped and its tools are hidden.",
  },
  args: {
    name: { type: "positional", required: true, description: "Name of the upstream" },
    ...DRY_RUN,
  },
  examples: [{ line: "mcpd servers disable files", text: "Until 'mcpd servers enable files'" }],
  execute({ args, options, output }) {
    const config = openConfig(options.config);
    const { name } = args;
    const wasDisabled = entryOf(config, name)["disabled"] === true;
    const change = {
      edits: [{ kind: "set", path: ["mcpServers", name, "disabled"], value: true }],
      done: wasDisabled ? `"${name}" is disabled already` : `Disabled "${name}"`,
      undo: `mcpd servers enable ${shellWord(name)}`,
    } as const;
    return changeConfig(config, change, { dryRun: args["dry-run"], options, output });
  },
});
