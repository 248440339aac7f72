import { type Fault, fault, isFault } from "../core/fault.ts";
import type { Clock } from "../lib/clock.ts";
import { LineSplitter } from "../lib/lines.ts";
import { formatDuration } from "../lib/text.ts";
import type { Platform } from "../platform/platform.ts";
import { type Child, type Exit, spawnChild, STOP_POLICY } from "../supervise/child.ts";
import type { Launch } from "../supervise/environment.ts";

/** A list of tools in the answer may be long; what is longer is cut, and still an answer. */
const LINE_BYTES_MAX = 1024 * 1024;
/** A few lines are enough for people. */
const SAID_LINES = 3;
const ID = "mcpd-doctor";
const PARAMS = {
  protocolVersion: "2025-06-18",
  capabilities: {},
  clientInfo: { name: "mcpd doctor", version: "1" },
};

/** What keeps a server from answering, with what it says of that on standard error. */
export type Obstacle = { readonly problem: Fault; readonly said: readonly string[] };

/**
 * Starts a server, greets it and ends it. Any answer will do: what it says of revisions and
 * capabilities is between it and its clients.
 */
export async function probe(
  launch: Launch,
  deps: { readonly platform: Platform; readonly clock: Clock; readonly signal: AbortSignal },
  timeoutMs: number,
): Promise<Obstacle | null> {
  const { upstream } = launch;
  const child = spawnChild(launch, { ...deps, stop: STOP_POLICY });
  if (isFault(child)) return { problem: child, said: [] };
  const said: string[] = [];
  const answered = Promise.withResolvers<"answered">();
  const read = Promise.all([
    linesOf(child.stdout, (line) => isAnswer(line) && answered.resolve("answered")),
    linesOf(child.stderr, (line) => said.push(line.trim())),
  ]);
  greet(child);
  const late = Promise.withResolvers<"late">();
  const timer = deps.clock.after(timeoutMs, () => late.resolve("late"));
  const given = Promise.withResolvers<"given up">();
  const giveUp = (): void => given.resolve("given up");
  deps.signal.addEventListener("abort", giveUp);
  if (deps.signal.aborted) giveUp();
  try {
    const end = await Promise.race([answered.promise, child.gone, late.promise, given.promise]);
    if (end === "answered" || end === "given up") return null;
    if (end === "late") {
      const text = `Upstream "${upstream}" does not answer: nothing came for ${formatDuration(timeoutMs)}`;
      return { problem: fault("upstream.start-timeout", text, upstream), said: lastOf(said) };
    }
    // What it printed last is still on its way.
    await Promise.race([read, late.promise]);
    const text = `Upstream "${upstream}" ended before it answered: ${wordsOf(end)}`;
    return { problem: fault("upstream.failed", text, upstream), said: causeOf(said) };
  } finally {
    timer.cancel();
    deps.signal.removeEventListener("abort", giveUp);
    await child.stop();
  }
}

function greet({ stdin }: Child): void {
  const message = { jsonrpc: "2.0", id: ID, method: "initialize", params: PARAMS };
  try {
    void stdin.write(`${JSON.stringify(message)}\n`);
    Promise.resolve(stdin.flush()).catch(() => undefined);
  } catch {
    // It has ended already, and says so.
  }
}

function isAnswer(line: string): boolean {
  return line.includes(`"${ID}"`) && /"(result|error)"/.test(line);
}

async function linesOf(
  stream: ReadableStream<Uint8Array>,
  line: (text: string) => void,
): Promise<void> {
  const splitter = new LineSplitter(LINE_BYTES_MAX, { line, tooLong: line });
  const reader = stream.getReader();
  for (;;) {
    const chunk = await reader.read().catch(() => null);
    if (chunk === null || chunk.done) break;
    splitter.push(chunk.value);
  }
  splitter.end();
}

function wordsOf(exit: Exit): string {
  switch (exit.kind) {
    case "exited":
      return `exit code ${exit.code}`;
    case "killed":
      return `killed by ${exit.signal}`;
    case "stopped":
      return "it was stopped";
  }
}

/** Interpreters and package managers name the error first, and then print much around it. */
function causeOf(said: readonly string[]): readonly string[] {
  const at = said.findIndex((line) => /(error|exception)\b/i.test(line));
  if (at < 0) return lastOf(said);
  const rest = said.slice(at).filter((line) => !/^(at .*|[^\p{L}\p{N}]*)$/u.test(line));
  return rest.slice(0, SAID_LINES);
}

function lastOf(said: readonly string[]): readonly string[] {
  return said.filter((line) => line !== "").slice(-SAID_LINES);
}
