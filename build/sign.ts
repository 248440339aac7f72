/**
 * `bun build/sign.ts FILE...` signs macOS executables again, ad hoc, and checks the result. Only on
 * macOS. What Bun compiles carries no signature that fits, or the one of Bun's own maker.
 */
import { readFileSync } from "node:fs";

import { describeSignature, isSound, readSignature } from "./macho.ts";

/** What macOS calls the program when it asks the user about it; also the service's label. */
const IDENTIFIER = "dev.mcpd.daemon";

/** True where there is Apple's tool for it. */
export function canSign(): boolean {
  return process.platform === "darwin" && Bun.which("codesign") !== null;
}

/** Signs the file and returns what is wrong with it afterwards, or null. */
export function sign(path: string): string | null {
  return (
    codesign("--force", "--sign", "-", "--identifier", IDENTIFIER, path) ??
    codesign("--verify", "--strict", path) ??
    wrongSignature(path)
  );
}

function codesign(...words: readonly string[]): string | null {
  const run = Bun.spawnSync(["codesign", ...words], { stdin: "ignore" });
  if (run.success) return null;
  const cause = run.stderr.toString().trim() || `exit code ${run.exitCode}`;
  return `'codesign ${words.join(" ")}' failed: ${cause}`;
}

function wrongSignature(path: string): string | null {
  const signature = readSignature(readFileSync(path));
  return isSound(signature) ? null : `${path} ${describeSignature(signature)}`;
}

function main(paths: readonly string[]): number {
  if (paths.length === 0 || !canSign()) {
    const why =
      paths.length === 0 ? "no file is named" : "there is no codesign here, only on macOS";
    console.error(`Cannot sign: ${why}. Run 'bun build/sign.ts FILE...' on macOS.`);
    return 2;
  }
  let exitCode = 0;
  for (const path of paths) {
    const wrong = sign(path);
    console.log(wrong ?? `${path} ${describeSignature(readSignature(readFileSync(path)))}`);
    if (wrong !== null) exitCode = 1;
  }
  return exitCode;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
