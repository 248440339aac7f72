import { writeSync } from "node:fs";

import type { Level } from "./log.ts";
import type { Mirror } from "./logger.ts";
import { isTerminal } from "./terminal.ts";

/** Standard error as a mirror, with colour on a terminal unless NO_COLOR is set (no-color.org). */
export function stderrMirror(environment: { readonly [name: string]: string | undefined }): Mirror {
  const colours = isTerminal(2) && (environment["NO_COLOR"] ?? "") === "";
  return {
    write(line, level) {
      try {
        writeSync(2, `${colours ? coloured(line, level) : line}\n`);
      } catch {
        // Nobody reads it, or the pipe is full: the log file has the line.
      }
    },
  };
}

function coloured(line: string, level: Level): string {
  if (level === "DEBUG") return `\u001b[2m${line}\u001b[0m`;
  if (level === "WARNING") return `\u001b[33m${line}\u001b[0m`;
  if (level === "ERROR" || level === "CRITICAL") return `\u001b[31m${line}\u001b[0m`;
  return line;
}
