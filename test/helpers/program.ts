import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./sources.ts";

/** The compiled program that the end-to-end tests run. */
export function program(): string {
  const path = join(ROOT, "dist", process.platform === "win32" ? "mcpd.exe" : "mcpd");
  if (!existsSync(path)) throw new Error("Cannot test mcpd: dist/mcpd is missing; 'bun run build'");
  const built = statSync(path).mtimeMs;
  const newer = [...new Bun.Glob("src/**/*").scanSync(ROOT)].find(
    (file) => statSync(join(ROOT, file)).mtimeMs > built,
  );
  if (newer !== undefined) console.warn(`dist/mcpd is older than ${newer}: 'bun run build'`);
  return path;
}

/** What a fixture is started with: this Bun and the path of the file. */
export function fixture(
  name: string,
  ...words: readonly string[]
): {
  readonly command: string;
  readonly args: readonly string[];
} {
  const path = join(ROOT, "test", "fixtures", "servers", name);
  return { command: process.execPath, args: ["run", path, ...words] };
}

/** What a real MCP server of the dev dependencies is started with: this Bun and its main file. */
export function realServer(
  name: "everything" | "filesystem" | "memory",
  ...words: readonly string[]
): ReturnType<typeof fixture> {
  const file = `@modelcontextprotocol/server-${name}/dist/index.js`;
  return {
    command: process.execPath,
    args: ["run", Bun.resolveSync(file, import.meta.dir), ...words],
  };
}

/** Living processes whose environment says that this is their home. Linux only; elsewhere none. */
export function processesOf(home: string): readonly number[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => livesIn(pid, home)).map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function livesIn(pid: string, home: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    return environment.split("\0").includes(`HOME=${home}`);
  } catch {
    // It ended meanwhile, or belongs to somebody else.
    return false;
  }
}
