import { COMMIT, VERSION } from "../../version.ts";
import { command } from "../command.ts";

export default command({
  meta: { name: "version", description: "Print the version" },
  args: {},
  examples: [{ line: "mcpd version --json", text: "Version, commit and runtime for a bug report" }],
  execute({ output, options }) {
    if (options.json) output.json({ version: VERSION, commit: COMMIT, bun: Bun.version });
    else output.print(`mcpd ${VERSION}`);
    return 0;
  },
});
