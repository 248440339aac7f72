/** An executable that is made for another system or processor, started through an emulator. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { pass } from "../check.ts";

const ROOT = dirname(dirname(import.meta.dir));
const PATIENCE_MS = 60_000;
/** Of `mcpd status` where nothing runs. */
export const UNAVAILABLE = 69;

/** How it is started; the words of a command follow. */
export type Foreign = { readonly words: readonly string[]; readonly env: Record<string, string> };

/** A name, and what is wrong: null when nothing is. */
export type Trial = readonly [name: string, body: () => string | null | Promise<string | null>];

/** dist/<target>/<file>, built when it is missing; null when that fails. */
export function programOf(target: string, file: string): string | null {
  const program = join(ROOT, "dist", target, file);
  const command = [join(ROOT, "build", "build.ts"), `--target=${target}`];
  return existsSync(program) || pass({ name: "build", command }) ? program : null;
}

/** Calls `body` with a directory that goes with it. */
export async function inHome(body: (home: string) => Promise<number>): Promise<number> {
  const home = mkdtempSync(join(tmpdir(), "mcpd-"));
  try {
    return await body(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Null when the command ends with `code` and says `text`. */
export function says(
  { words, env }: Foreign,
  command: readonly string[],
  code: number,
  text: string,
): string | null {
  const run = Bun.spawnSync([...words, ...command], { env, stdin: "ignore", timeout: PATIENCE_MS });
  const said = `${run.stdout.toString()}${run.stderr.toString()}`.trim();
  return run.exitCode === code && said.includes(text)
    ? null
    : `exit code ${run.exitCode}, expected ${code} and "${text}" in: ${said}`;
}

/** Null when a daemon answers on /health, and to `meanwhile`; `exitCode` is that of its end. */
export async function serves(
  { words, env }: Foreign,
  exitCode: number | null,
  meanwhile: () => string | null = () => null,
): Promise<string | null> {
  const child = Bun.spawn([...words, "serve", "--foreground", "--port", "0", "--json"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  try {
    const url = await healthUrl(child.stdout);
    if (url === null) return `it said no address: ${await new Response(child.stderr).text()}`;
    const answer = await fetch(url);
    const wrong = meanwhile();
    child.kill("SIGTERM");
    const code = await child.exited;
    const isOrderly = exitCode === null || exitCode === code;
    return answer.ok && isOrderly ? wrong : `HTTP ${answer.status}, exit code ${code}`;
  } finally {
    clearTimeout(late);
    child.kill("SIGKILL");
  }
}

async function healthUrl(output: ReadableStream<Uint8Array>): Promise<string | null> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of output) {
    text += decoder.decode(chunk, { stream: true });
    const url = /http:\/\/127\.0\.0\.1:\d+\/health/.exec(text)?.[0];
    if (url !== undefined) return url;
  }
  return null;
}

/** Tells of each as it ends; the exit code. */
export async function tryAll(trials: readonly Trial[]): Promise<number> {
  let failed = 0;
  for (const [name, body] of trials) {
    const wrong = await body();
    if (wrong !== null) failed++;
    console.log(wrong === null ? `(pass) ${name}` : `(fail) ${name}: ${wrong}`);
  }
  console.log(`${trials.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
