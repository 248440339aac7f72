import { basename, dirname, join } from "node:path";

import { fault, FaultError } from "../../core/fault.ts";
import { didYouMean } from "../../core/spelling.ts";
import { visibleNames } from "../../lib/files.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { LINES_MAX, LOG_LINES, showLog } from "../log-show.ts";
import { usage } from "../parse.ts";
import { wholeNumber } from "../values.ts";

export default command({
  meta: { name: "logs", description: "Show the log of the daemon or of an upstream." },
  args: {
    upstream: {
      type: "positional",
      required: false,
      description: "Whose; the daemon's if left out",
    },
    bootstrap: { type: "boolean", alias: "b", description: "The bootstrap's: starts and crashes" },
    ...LOG_LINES,
  },
  examples: [
    { line: "mcpd logs -f", text: "Follow the daemon's log until Ctrl-C" },
    { line: "mcpd logs --bootstrap", text: "When the server was started, and how it ended" },
    { line: "mcpd logs -n 200 files", text: 'What the upstream "files" printed last' },
  ],
  async execute({ args, options, output }) {
    const count = wholeNumber(args.lines, "--lines", { min: 0, max: LINES_MAX }, "logs");
    if (args.bootstrap && args.upstream !== undefined) {
      throw usage("--bootstrap is not about an upstream: leave one of the two out", "logs");
    }
    const { logsDir } = here().paths;
    const file = args.bootstrap ? join(logsDir, "bootstrap.log") : fileOf(logsDir, args.upstream);
    const shown = await showLog(file, { count, follow: args.follow, json: options.json }, output);
    if (!shown) throw missing(file, args.upstream);
    return 0;
  },
});

function fileOf(logsDir: string, upstream: string | undefined): string {
  // A name is never a path, whatever is typed.
  const name = upstream === undefined ? "server.log" : `upstream-${basename(upstream)}.log`;
  return join(logsDir, name);
}

function missing(file: string, upstream: string | undefined): FaultError {
  if (upstream === undefined) {
    const text = `There is no log yet: ${file} is written when the daemon runs`;
    return new FaultError(fault("file.failed", text, file));
  }
  const names = visibleNames(dirname(file));
  const known = names.flatMap((name) => /^upstream-(.+)\.log$/.exec(name)?.[1] ?? []);
  const guess = didYouMean(upstream, known);
  const text = `There is no log of an upstream "${upstream}"${guess}`;
  return new FaultError(fault("upstream.unknown", text, upstream));
}
