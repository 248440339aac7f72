import type { Clock } from "../lib/clock.ts";
import type { Environment } from "./platform.ts";
import { signalGroup } from "./posix.ts";

/** A profile that prints more than this is not worth waiting for. */
const OUTPUT_BYTES_MAX = 256 * 1024;
const BEGIN = "mcpd-path-begin:";
const END = ":mcpd-path-end";

/**
 * Asks the user's shell for PATH the way a terminal would start it: as a login shell, interactive,
 * because nvm and its kind are often set up in the interactive profile. The shell gets no terminal
 * and a group of its own, which is killed when the time is up. Null when nothing comes of it.
 */
export async function loginShellPath(
  environment: Environment,
  timeoutMs: number,
  clock: Clock,
): Promise<string | null> {
  const shell = environment["SHELL"];
  if (shell === undefined || !shell.startsWith("/")) return null;
  try {
    // Every shell has printf and this quoting. A group of its own takes the terminal from nobody.
    const child = Bun.spawn(
      [shell, "-l", "-i", "-c", `printf '%s%s%s\\n' '${BEGIN}' "$PATH" '${END}'`],
      {
        env: { ...environment },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
        detached: true,
      },
    );
    const reader = child.stdout.getReader();
    const timer = clock.after(timeoutMs, () => {
      signalGroup(child.pid, "kill");
      reader.cancel().catch(() => undefined);
    });
    try {
      return await readPath(reader);
    } finally {
      timer.cancel();
      // The answer is there: whatever the profile left running in this group is of no use.
      signalGroup(child.pid, "kill");
      await child.exited;
    }
  } catch {
    return null;
  }
}

async function readPath(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | null> {
  const decoder = new TextDecoder();
  let output = "";
  while (output.length < OUTPUT_BYTES_MAX) {
    const { value, done } = await reader.read();
    if (done) return null;
    output += decoder.decode(value, { stream: true });
    const path = between(output);
    if (path !== null) return path;
  }
  return null;
}

function between(output: string): string | null {
  const begin = output.lastIndexOf(BEGIN);
  const end = output.indexOf(END, begin);
  if (begin < 0 || end < 0) return null;
  const path = output.slice(begin + BEGIN.length, end);
  return path.includes("/") ? path : null;
}
