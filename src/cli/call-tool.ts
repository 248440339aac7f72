import type { CallResult, ControlApi, ProgressNote } from "../control/api.ts";
import { ask, DAEMON_ARGUMENT } from "./ask.ts";
import { readResult } from "./call-result.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { ANSWER_MS } from "./here.ts";
import type { Output } from "./output.ts";
import { ownProject } from "./project.ts";
import { Questions } from "./questions.ts";
import { saveAll } from "./save.ts";
import { timeoutMsOf } from "./values.ts";

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
  answer: {
    type: "string",
    multiple: true,
    valueHint: "ANSWER",
    description:
      "What to answer if the server asks: JSON object, key=value, @FILE, decline or cancel",
  },
  ...DAEMON_ARGUMENT,
} as const satisfies Arguments;

type Flags = {
  readonly output: string | undefined;
  readonly timeout: string | undefined;
  readonly answer: readonly string[];
  readonly daemon: boolean;
};

/**
 * Calls a tool and shows what it answers. Exit code 1 when the tool itself
 * reports an error. Ctrl-C cancels the call and ends in exchange.cancelled.
 */
export async function callTool(
  call: Call,
  flags: Flags,
  options: GlobalOptions,
  output: Output,
): Promise<number> {
  const timeoutMs = timeoutMsOf(flags.timeout, "call");
  const questions = Questions.of(call, flags.answer, options);
  const params = {
    ...call,
    ...ownProject(),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(questions === null ? {} : { answers: true }),
  };
  const need = { daemon: flags.daemon, config: options.config };
  const calling = output.busy(`Calling ${call.tool}`, (spinner) =>
    ask(need, output, (servers, signal) =>
      servers.request("mcpd/call", params, {
        signal: questions === null ? signal : AbortSignal.any([signal, questions.signal]),
        onProgress: (note) => spinner.update(progressText(call.tool, note)),
        ...(questions === null ? {} : { onQuestion: questions.answeredBy(spinner) }),
        // The daemon watches the time and cancels the call: this is the second line.
        ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_MS }),
      }),
    ),
  );
  const result = await calling.finally(() => questions?.expectAnswered());
  const saved = flags.output === undefined ? 0 : save(result, flags.output, output);
  if (options.json) output.json(result);
  else if (saved === 0) output.write(readResult(result).text);
  if (result.isError !== true) return 0;
  output.notes.warn("The tool reports an error");
  return 1;
}

function progressText(tool: string, { progress, total, message }: ProgressNote): string {
  const share = total === null || total <= 0 ? "" : ` ${Math.round((progress / total) * 100)} %`;
  return `Calling ${tool}${share}${message === null ? "" : `: ${message}`}`;
}

/** Writes the binaries to FILE, FILE-2, ..., or the text when there is none; returns how many. */
function save(result: CallResult, file: string, output: Output): number {
  const { binaries, exact } = readResult(result);
  const contents = binaries.length > 0 ? binaries : [{ label: "text", bytes: Buffer.from(exact) }];
  saveAll(contents, file, output);
  return contents.length;
}
