/**
 * `bun run smoke:arm64` starts the executable for Linux on arm64 on another Linux, in the user mode
 * of qemu: its version, a command without a daemon, and a daemon that answers on /health. It builds
 * the executable when it is missing. Debian's packages for it: qemu-user-static, libc6-arm64-cross;
 * QEMU_LD_PREFIX names the second when it is not in /usr/aarch64-linux-gnu.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";

import manifest from "../package.json" with { type: "json" };
import { inHome, programOf, says, serves, tryAll, UNAVAILABLE } from "./smoke/foreign.ts";

const LIBRARIES = process.env.QEMU_LD_PREFIX ?? "/usr/aarch64-linux-gnu";

async function main(): Promise<number> {
  const qemu = Bun.which("qemu-aarch64-static") ?? Bun.which("qemu-aarch64");
  if (qemu === null || !existsSync(LIBRARIES)) {
    const missing = qemu === null ? "qemu-aarch64" : LIBRARIES;
    console.error(`Cannot start it: ${missing} is missing. See the top of scripts/smoke-arm64.ts.`);
    return 1;
  }
  const program = programOf("linux-arm64", "mcpd");
  if (program === null) return 1;
  return await inHome(async (home) => {
    mkdirSync(join(home, "run"), { mode: 0o700 });
    const env = {
      PATH: process.env.PATH ?? "",
      HOME: home,
      XDG_RUNTIME_DIR: join(home, "run"),
      MCPD_ALLOW_ROOT: "1",
    };
    const foreign = { words: [qemu, "-L", LIBRARIES, program], env };
    return await tryAll([
      ["version", () => says(foreign, ["--version"], 0, manifest.version)],
      ["status", () => says(foreign, ["status"], UNAVAILABLE, "mcpd")],
      ["serve", () => serves(foreign, 0)],
    ]);
  });
}

process.exitCode = await main();
