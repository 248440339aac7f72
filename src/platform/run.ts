/** How long a question to the system's own tools may take. */
const TOOL_TIMEOUT_MS = 10_000;

/** Runs a tool of the system by its full path; its output, or null when it failed. */
export async function runTool(argv: readonly string[]): Promise<string | null> {
  try {
    const tool = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      windowsHide: true,
      timeout: TOOL_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const [output, code] = await Promise.all([new Response(tool.stdout).text(), tool.exited]);
    return code === 0 ? output : null;
  } catch {
    return null;
  }
}
