import { reasonOf } from "../lib/files.ts";
import type { Environment } from "./platform.ts";

/** How long a question to the system's own tools may take. */
const TOOL_TIMEOUT_MS = 10_000;

/** What a tool said; `code` is 124 when it took too long, 127 when it could not be started. */
export type ToolResult = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type ToolOptions = {
  /** The whole environment of the tool; ours without it. */
  readonly environment?: Environment;
  readonly timeoutMs?: number;
  /** Ends it when it is aborted. */
  readonly ending?: AbortSignal | undefined;
};

/** Runs a tool of the system by its full path. Never throws: the code says how it went. */
export type ToolRunner = (argv: readonly string[], options?: ToolOptions) => Promise<ToolResult>;

export const systemTool: ToolRunner = async (argv, options = {}) => {
  const { environment, timeoutMs = TOOL_TIMEOUT_MS, ending } = options;
  try {
    const tool = Bun.spawn([...argv], {
      ...(environment === undefined ? {} : { env: { ...environment } }),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      windowsHide: true,
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      ...(ending === undefined ? {} : { signal: ending }),
    });
    const [stdout, stderr, code] = await Promise.all([
      new Response(tool.stdout).text(),
      new Response(tool.stderr).text(),
      tool.exited,
    ]);
    return { code: tool.signalCode === "SIGKILL" ? 124 : code, stdout, stderr };
  } catch (error) {
    return { code: 127, stdout: "", stderr: reasonOf(error) };
  }
};

/** Runs a tool of the system by its full path; its output, or null when it failed. */
export async function runTool(argv: readonly string[]): Promise<string | null> {
  const { code, stdout } = await systemTool(argv);
  return code === 0 ? stdout : null;
}

/** What a tool said about its failure, as one line for people. */
export function saidBy({ code, stdout, stderr }: ToolResult): string {
  const lines = `${stderr}\n${stdout}`.split(/\r?\n/).map((line) => line.trim());
  return lines.find((line) => line !== "") ?? `exit code ${code}`;
}

/** What a program said; a null exit code: it did not start, or did not end in time. */
export async function runProgram(
  argv: readonly string[],
  timeoutMs: number,
): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  try {
    const program = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      windowsHide: true,
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    const [output] = await Promise.all([new Response(program.stdout).text(), program.exited]);
    return { exitCode: program.signalCode === null ? program.exitCode : null, output };
  } catch {
    return { exitCode: null, output: "" };
  }
}
