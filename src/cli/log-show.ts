import { systemClock } from "../lib/clock.ts";
import type { Arguments } from "./command.ts";
import { follow, lastLines } from "./log-reader.ts";
import type { Output } from "./output.ts";
import type { Paint } from "./style.ts";

export const LINES_MAX = 1_000_000;

/** The flags of the commands that show a log. */
export const LOG_LINES = {
  follow: { type: "boolean", alias: "f", description: "Go on as lines are written" },
  lines: {
    type: "string",
    alias: "n",
    valueHint: "N",
    default: "50",
    description: "How many lines to begin with",
  },
} as const satisfies Arguments;

/** Prints the end of a log, and what comes until nobody reads. False when there is no file. */
export async function showLog(
  file: string,
  options: { readonly count: number; readonly follow: boolean; readonly json: boolean },
  output: Output,
): Promise<boolean> {
  const last = lastLines(file, options.count);
  if (last === null && !options.follow) return false;
  const show = (lines: readonly string[]): void => {
    // With -f there is no end: one document for each part that comes.
    if (options.json) output.json({ lines });
    else if (lines.length > 0)
      output.print(lines.map((line) => tinted(line, output.paint)).join("\n"));
  };
  show(last?.lines ?? []);
  if (!options.follow) return true;
  await follow(file, last?.end ?? 0, systemClock, (lines) => {
    show(lines);
    return !output.closed;
  });
  return true;
}

/** Levels as the text format and the JSON format spell them. */
function tinted(line: string, paint: Paint): string {
  if (/ - (ERROR|CRITICAL) - |"level":"(ERROR|CRITICAL)"/.test(line)) return paint("red", line);
  if (/ - WARNING - |"level":"WARNING"/.test(line)) return paint("yellow", line);
  return line;
}
