import { existsSync } from "node:fs";

import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";

export default command({
  meta: {
    name: "config path",
    description: "Print where the config is: --config, the config directory, or MCPD_CONFIG.",
  },
  args: {},
  examples: [{ line: 'cat "$(mcpd config path)"', text: "Read it" }],
  execute({ options, output }) {
    const { path, origin } = openConfig(options.config).discovery;
    const exists = existsSync(path);
    if (options.json) output.json({ path, origin, exists });
    else output.print(path);
    if (!exists) output.notes.info("There is no such file yet: the defaults apply");
    return 0;
  },
});
