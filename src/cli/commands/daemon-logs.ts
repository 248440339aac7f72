import { join } from "node:path";

import { fault, FaultError } from "../../core/fault.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { LINES_MAX, LOG_LINES, showLog } from "../log-show.ts";
import { wholeNumber } from "../values.ts";

export default command({
  meta: {
    name: "daemon logs",
    description:
      "Show the log of the bootstrap, which the service runs: starts, stops and crashes of the server.",
  },
  args: {
    ...LOG_LINES,
  },
  examples: [
    { line: "mcpd daemon logs -f", text: "Follow it until Ctrl-C" },
    { line: "mcpd logs", text: "The log of the server itself" },
  ],
  async execute({ args, options, output }) {
    const count = wholeNumber(args.lines, "--lines", { min: 0, max: LINES_MAX }, "daemon logs");
    const { paths, name } = here();
    const file = join(paths.logsDir, "bootstrap.log");
    const shown = await showLog(file, { count, follow: args.follow, json: options.json }, output);
    if (shown) return 0;
    const journal = name === "linux" ? "; see also 'journalctl --user -u mcpd'" : "";
    const text = `There is no log yet: ${file} is written when the service runs${journal}`;
    throw new FaultError(fault("file.failed", text, file));
  },
});
