import { shellWord } from "../../lib/text.ts";
import { command } from "../command.ts";
import { changeConfig, DRY_RUN } from "../config-change.ts";
import { openConfig } from "../config-file.ts";
import { entryOf } from "../upstream-entry.ts";

export default command({
  meta: { name: "servers enable", description: "Enable a disabled upstream." },
  args: {
    name: { type: "positional", required: true, description: "Name of the upstream" },
    ...DRY_RUN,
  },
  examples: [{ line: "mcpd servers enable files", text: "Its tools are back" }],
  execute({ args, options, output }) {
    const config = openConfig(options.config);
    const { name } = args;
    const wasEnabled = entryOf(config, name)["disabled"] !== true;
    const change = {
      edits: [{ kind: "remove", path: ["mcpServers", name, "disabled"] }],
      done: wasEnabled ? `"${name}" is enabled already` : `Enabled "${name}"`,
      undo: `mcpd servers disable ${shellWord(name)}`,
    } as const;
    return changeConfig(config, change, { dryRun: args["dry-run"], options, output });
  },
});
