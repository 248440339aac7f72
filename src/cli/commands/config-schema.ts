import { jsonSchema } from "../../config/json-schema.ts";
import { command } from "../command.ts";

export default command({
  meta: { name: "config schema", description: "Print the JSON Schema of the config, for editors." },
  args: {},
  examples: [{ line: "mcpd config schema > mcpd.config.schema.json", text: 'For "$schema"' }],
  async execute({ output }) {
    output.json(await jsonSchema());
    return 0;
  },
});
