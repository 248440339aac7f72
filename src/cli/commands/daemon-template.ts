import { join } from "node:path";

import { builtInTemplate } from "../../platform/pick-service.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";

export default command({
  meta: {
    name: "daemon template",
    description:
      "Print the unit, property list or task of the service, to make your own from; {{names}} are filled in.",
  },
  args: {},
  examples: [
    {
      line: "mcpd daemon template",
      text: "The template, and on standard error where yours belongs",
    },
    { line: "mcpd daemon template --json", text: "Name, path and text" },
  ],
  async execute({ options, output }) {
    const platform = here();
    const { name, text } = await builtInTemplate(platform);
    const path = join(platform.paths.templatesDir, name);
    if (options.json) {
      output.json({ name, path, text });
      return 0;
    }
    output.write(text);
    output.notes.info(`Save your own as ${path} and run 'mcpd daemon install' again`);
    return 0;
  },
});
