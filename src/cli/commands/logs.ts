import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

import { fault, FaultError } from "../../core/fault.ts";
import { systemClock } from "../../lib/clock.ts";
import { didYouMean } from "../../lib/text.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { follow, lastLines } from "../log-reader.ts";
import type { Paint } from "../style.ts";
import { wholeNumber } from "../values.ts";

const LINES_MAX = 1_000_000;

export default command({
  meta: { name: "logs", description: "Show the log of the daemon or of an upstream." },
  args: {
    upstream: {
      type: "positional",
      required: false,
      description: "Whose; the daemon's if left out",
    },
    follow: { type: "boolean", alias: "f", description: "Go on as lines are written" },
    lines: {
      type: "string",
      alias: "n",
      valueHint: "N",
      default: "50",
      description: "How many lines to begin with",
    },
  },
  examples: [
    { line: "mcpd logs -f", text: "Follow the daemon's log until Ctrl-C" },
    { line: "mcpd logs -n 200 files", text: 'What the upstream "files" printed last' },
  ],
  async execute({ args, options, output }) {
    const count = wholeNumber(args.lines, "--lines", { min: 0, max: LINES_MAX }, "logs");
    const file = fileOf(here().paths.logsDir, args.upstream);
    const last = lastLines(file, count);
    if (last === null && !args.follow) throw missing(file, args.upstream);
    const show = (lines: readonly string[]): void => {
      // With -f there is no end: one document for each part that comes.
      if (options.json) output.json({ lines });
      else if (lines.length > 0)
        output.print(lines.map((line) => tinted(line, output.paint)).join("\n"));
    };
    show(last?.lines ?? []);
    if (!args.follow) return 0;
    await follow(file, last?.end ?? 0, systemClock, (lines) => {
      show(lines);
      return !output.closed;
    });
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
  const known = namesIn(join(file, ".."));
  const guess = didYouMean(upstream, known);
  const text = `There is no log of an upstream "${upstream}"${guess === "" ? "" : `.${guess}`}`;
  return new FaultError(fault("upstream.unknown", text, upstream));
}

function namesIn(logsDir: string): readonly string[] {
  try {
    return readdirSync(logsDir).flatMap((name) => /^upstream-(.+)\.log$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

/** Levels as the text format and the JSON format spell them. */
function tinted(line: string, paint: Paint): string {
  if (/ - (ERROR|CRITICAL) - |"level":"(ERROR|CRITICAL)"/.test(line)) return paint("red", line);
  if (/ - WARNING - |"level":"WARNING"/.test(line)) return paint("yellow", line);
  return line;
}
