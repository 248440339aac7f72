import { explainRows } from "../../config/explain.ts";
import { parseConfig } from "../../config/parse.ts";
import { CONFIG_TEMPLATE } from "../../config/template.ts";
import { maskText } from "../../lib/secret.ts";
import { command } from "../command.ts";
import { configText } from "../config-change.ts";
import { openConfig, orThrow } from "../config-file.ts";

export default command({
  meta: {
    name: "config show",
    description:
      "Print the config file, with secrets blanked. With --json every key with the value it has.",
  },
  args: {},
  examples: [{ line: "mcpd config show --json", text: "The values in effect, defaults included" }],
  execute({ options, output }) {
    const config = openConfig(options.config);
    const text = configText(config);
    if (options.json) {
      const parsed = orThrow(parseConfig(text ?? "{}", config.store.path));
      const rows = explainRows(parsed).filter((row) => !row.path.includes("<name>"));
      const values = rows.map(({ path, value }) => [path, value ?? null] as const);
      output.json({ path: config.store.path, values: Object.fromEntries(values) });
      return 0;
    }
    if (text === null) {
      output.notes.info(`There is no ${config.store.path} yet; a new one would say:`);
    }
    output.print(maskText(text ?? CONFIG_TEMPLATE));
    return 0;
  },
});
