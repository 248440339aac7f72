/**
 * `bun run smoke:arm64` starts the executable for Linux on arm64 on another Linux, in the user mode
 * of qemu: its version, a command without a daemon, and a daemon that answers on /health. It builds
 * the executable when it is missing. Debian's packages for it: qemu-user-static, libc6-arm64-cross;
 * QEMU_LD_PREFIX names the second when it is not in /usr/aarch64-linux-gnu.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import manifest from "../package.json" with { type: "json" };
import { pass } from "./check.ts";

const ROOT = dirname(import.meta.dir);
const PROGRAM = join(ROOT, "dist", "linux-arm64", "mcpd");
const LIBRARIES = process.env.QEMU_LD_PREFIX ?? "/usr/aarch64-linux-gnu";
const PATIENCE_MS = 60_000;
/** Of `mcpd status` where nothing runs. */
const UNAVAILABLE = 69;

type Emulated = { readonly words: readonly string[]; readonly env: Record<string, string> };

function report(name: string, wrong: string | null): boolean {
  console.log(
    `${wrong === null ? "(pass)" : "(fail)"} ${name}${wrong === null ? "" : `: ${wrong}`}`,
  );
  return wrong === null;
}

/** Null when the command ends with `code` and says `text`. */
function says(
  { words, env }: Emulated,
  command: string,
  code: number,
  text: string,
): string | null {
  const run = Bun.spawnSync([...words, ...command.split(" ")], {
    env,
    stdin: "ignore",
    timeout: PATIENCE_MS,
  });
  const said = `${run.stdout.toString()}${run.stderr.toString()}`.trim();
  return run.exitCode === code && said.includes(text)
    ? null
    : `exit code ${run.exitCode}, expected ${code} and "${text}" in: ${said}`;
}

/** Null when a daemon answers on /health and ends in order. */
async function serves({ words, env }: Emulated): Promise<string | null> {
  const child = Bun.spawn([...words, "serve", "--foreground", "--port", "0", "--json"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  try {
    const url = await healthUrl(child.stdout);
    if (url === null) return `it said no address: ${await new Response(child.stderr).text()}`;
    const answer = await fetch(url);
    child.kill("SIGTERM");
    const exitCode = await child.exited;
    return answer.ok && exitCode === 0 ? null : `HTTP ${answer.status}, exit code ${exitCode}`;
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

async function main(): Promise<number> {
  const qemu = Bun.which("qemu-aarch64-static") ?? Bun.which("qemu-aarch64");
  if (qemu === null || !existsSync(LIBRARIES)) {
    const missing = qemu === null ? "qemu-aarch64" : LIBRARIES;
    console.error(`Cannot start it: ${missing} is missing. See the top of scripts/smoke-arm64.ts.`);
    return 1;
  }
  const build = [join(ROOT, "build", "build.ts"), "--target=linux-arm64"];
  if (!existsSync(PROGRAM) && !pass({ name: "build", command: build })) return 1;
  const home = mkdtempSync(join(tmpdir(), "mcpd-"));
  try {
    mkdirSync(join(home, "run"), { mode: 0o700 });
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: home,
      XDG_RUNTIME_DIR: join(home, "run"),
      MCPD_ALLOW_ROOT: "1",
    };
    const emulated = { words: [qemu, "-L", LIBRARIES, PROGRAM], env };
    const results = [
      report("version", says(emulated, "--version", 0, manifest.version)),
      report("status", says(emulated, "status", UNAVAILABLE, "mcpd")),
      report("serve", await serves(emulated)),
    ];
    const passed = results.filter(Boolean).length;
    console.log(`${passed} passed, ${results.length - passed} failed`);
    return passed === results.length ? 0 : 1;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

process.exitCode = await main();
