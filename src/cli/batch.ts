import type { CallResult, ControlApi } from "../control/api.ts";
import type { ControlPort } from "../control/client.ts";
import { fault, FaultError, hintOf } from "../core/fault.ts";
import { parseJson } from "../core/json.ts";
import { aimOf } from "../lib/aim.ts";
import { reasonOf } from "../lib/files.ts";
import { readInput } from "./call-arguments.ts";
import { usage } from "./parse.ts";
import { millisecondsOf, SECONDS } from "./values.ts";

type Call = Omit<ControlApi["mcpd/call"]["params"], "project">;

/** What came of one call; `index` counts from 0 in the order of the file. */
export type BatchResult =
  | { readonly index: number; readonly ok: boolean; readonly result: CallResult }
  | {
      readonly index: number;
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly hint: string };
    };

/** The calls in a file, or in standard input for "-": all of them are good, or it throws. */
export function readBatch(file: string): readonly Call[] {
  const text = file === "-" ? readInput(0, "standard input") : readInput(file, file);
  if (text.trimStart().startsWith("[")) {
    const values = parsed(text, file);
    return (values as readonly unknown[]).map((value, at) => callOf(value, `call ${at + 1}`));
  }
  return text.split("\n").flatMap((line, at) => {
    const where = `line ${at + 1}`;
    return line.trim() === "" ? [] : [callOf(parsed(line, where), where)];
  });
}

/**
 * Calls as many at the same time as `parallel` says, and tells each result as soon as all before it
 * have been told. A call that fails does not stop the others; aborting does. A daemon that is
 * disabled has done nothing of what it refuses: that fault is thrown once nothing is under way, and
 * whoever asks again with the same `results` makes the other calls only.
 */
export async function runBatch(
  servers: ControlPort,
  calls: readonly Call[],
  options: { readonly parallel: number; readonly signal: AbortSignal; readonly project?: string },
  tell: (result: BatchResult) => void,
  results: (BatchResult | undefined)[] = calls.map(() => undefined),
): Promise<readonly BatchResult[]> {
  const { parallel, signal, ...place } = options;
  const rest = calls.entries();
  let told = results.indexOf(undefined);
  const work = async (): Promise<void> => {
    for (const [index, call] of rest) {
      results[index] ??= await resultOf(servers, { ...call, ...place }, index, signal);
      for (let next = results[told]; next !== undefined; next = results[told]) {
        tell(next);
        told++;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: parallel }, work));
  if (signal.aborted) throw new FaultError(fault("exchange.cancelled", "Cancelled"));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return results.filter((result) => result !== undefined);
}

async function resultOf(
  servers: ControlPort,
  params: ControlApi["mcpd/call"]["params"],
  index: number,
  signal: AbortSignal,
): Promise<BatchResult> {
  try {
    const result = await servers.request("mcpd/call", params, { signal });
    return { index, ok: result.isError !== true, result };
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const { code, text: message } = error.fault;
    if (code === "daemon.disabled") throw error;
    return { index, ok: false, error: { code, message, hint: hintOf(error.fault) } };
  }
}

function callOf(value: unknown, where: string): Call {
  const given = typeof value === "object" && value !== null ? value : {};
  const {
    tool,
    upstream,
    arguments: input = {},
    timeout_secs: seconds,
  } = given as { readonly [key: string]: unknown };
  if (typeof tool !== "string" || tool === "") throw wrong(where, '"tool" must be its name');
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw wrong(where, '"arguments" must be a JSON object');
  }
  if (upstream !== undefined && typeof upstream !== "string") {
    throw wrong(where, '"upstream" must be its name');
  }
  const timeoutMs = typeof seconds === "number" ? millisecondsOf(seconds) : null;
  if (seconds !== undefined && timeoutMs === null) {
    throw wrong(where, `"timeout_secs" must be ${SECONDS}`);
  }
  const { name, ...aim } = upstream === undefined ? aimOf(tool) : { name: tool, upstream };
  const limit = timeoutMs === null ? {} : { timeoutMs };
  return { ...aim, ...limit, tool: name, arguments: { ...input } };
}

function parsed(text: string, where: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw wrong(where, reasonOf(error));
  }
}

function wrong(where: string, why: string): FaultError {
  return usage(`Cannot use the batch: ${where}: ${why}`, "batch");
}
