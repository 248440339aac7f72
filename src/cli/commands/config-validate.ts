import { resolve } from "node:path";

import { readConfig } from "../../config/resolve.ts";
import { fault, FaultError } from "../../core/fault.ts";
import { readIfExists, reasonOf } from "../../lib/files.ts";
import { command } from "../command.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { here } from "../here.ts";

export default command({
  meta: {
    name: "config validate",
    description: "Check a config file: exit code 78 when it is wrong, with line, column and cure.",
  },
  args: {
    file: { type: "positional", required: false, description: "The file; yours if left out" },
    strict: { type: "boolean", description: "Warnings are failures too (exit code 1)" },
  },
  examples: [
    { line: "mcpd config validate", text: "Is my config right?" },
    { line: "mcpd config validate --strict ci/mcpd.json", text: "In a pipeline" },
  ],
  execute({ args, options, output }) {
    const path =
      args.file === undefined ? openConfig(options.config).store.path : resolve(args.file);
    const { units, warnings } = orThrow(readConfig(textOf(path), path, here(), 1));
    if (options.json) {
      output.json({ path, valid: true, upstreams: units.map((unit) => unit.upstream), warnings });
    } else {
      for (const { line, column, text } of warnings) {
        output.notes.warn(`${path}:${line}:${column}: ${text}`);
      }
      const remark = warnings.length === 0 ? "" : `, with ${warnings.length} to look at`;
      output.print(`${path} is valid${remark}`);
    }
    return args.strict && warnings.length > 0 ? 1 : 0;
  },
});

function textOf(path: string): string {
  let why = "there is no such file";
  try {
    const text = readIfExists(path);
    if (text !== null) return text;
  } catch (error) {
    why = reasonOf(error);
  }
  throw new FaultError(fault("config.unreadable", `Cannot read the config ${path}: ${why}`, path));
}
