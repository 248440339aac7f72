import { writeFileSync } from "node:fs";

import type { CallResult, ControlApi, ProgressNote } from "../control/api.ts";
import { fault, FaultError } from "../core/fault.ts";
import { reasonOf } from "../lib/files.ts";
import { readResult } from "./call-result.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { ANSWER_MS, withDaemon } from "./here.ts";
import type { Output } from "./output.ts";
import { usage } from "./parse.ts";
import { workingDirectory } from "./project.ts";

type Call = Omit<ControlApi["mcpd/call"]["params"], "timeoutMs">;

/** What both forms of the command take beside the tool. */
export const CALL_ARGUMENTS = {
  arguments: {
    type: "positional",
    multiple: true,
    required: false,
    valueHint: "ARGUMENT",
    description: "JSON object, key=value, key:=json, @FILE or - for standard input",
  },
  output: {
    type: "string",
    alias: "o",
    valueHint: "FILE",
    description: "Write an image or other binary result to a file",
  },
  timeout: { type: "string", alias: "t", valueHint: "SECS", description: "Longest wait" },
} as const satisfies Arguments;

type Flags = { readonly output: string | undefined; readonly timeout: string | undefined };

/**
 * Calls a tool through the daemon and shows what it answers. Exit code 1 when the tool itself
 * reports an error. Ctrl-C cancels the call and ends in exchange.cancelled.
 */
export async function callTool(
  call: Call,
  flags: Flags,
  options: GlobalOptions,
  output: Output,
): Promise<number> {
  const timeoutMs = timeoutOf(flags.timeout);
  const interrupt = new AbortController();
  process.once("SIGINT", () => interrupt.abort());
  const project = workingDirectory();
  const place = project === null ? {} : { project };
  const params = { ...call, ...place, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  const result = await output.busy(`Calling ${call.tool}`, (spinner) =>
    withDaemon((daemon) =>
      daemon.request("mcpd/call", params, {
        signal: interrupt.signal,
        onProgress: (note) => spinner.update(progressText(call.tool, note)),
        // The daemon watches the time and cancels the call: this is the second line.
        ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_MS }),
      }),
    ),
  );
  const saved = flags.output === undefined ? 0 : save(result, flags.output, output);
  if (options.json) output.json(result);
  else if (saved === 0) output.write(readResult(result).text);
  if (result.isError !== true) return 0;
  output.notes.warn("The tool reports an error");
  return 1;
}

function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeoutMs = Math.round(Number(text) * 1000);
  if (timeoutMs >= 1) return timeoutMs;
  throw usage(`--timeout must be seconds, received "${text}"`, "call");
}

function progressText(tool: string, { progress, total, message }: ProgressNote): string {
  const share = total === null || total <= 0 ? "" : ` ${Math.round((progress / total) * 100)} %`;
  return `Calling ${tool}${share}${message === null ? "" : `: ${message}`}`;
}

/** Writes the binaries to FILE, FILE-2, ..., or the text when there is none; returns how many. */
function save(result: CallResult, file: string, output: Output): number {
  const { binaries, exact } = readResult(result);
  const contents = binaries.length > 0 ? binaries : [{ label: "text", bytes: Buffer.from(exact) }];
  for (const [index, { label, bytes }] of contents.entries()) {
    const path = index === 0 ? file : `${file}-${index + 1}`;
    try {
      writeFileSync(path, bytes);
    } catch (error) {
      const words = `Cannot write ${path}: ${reasonOf(error)}`;
      throw new FaultError(fault("file.failed", words, path));
    }
    output.notes.info(`Wrote ${path} (${label})`);
  }
  return contents.length;
}
