/** The sources of this project as data, for the tests that hold its shape. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

export const ROOT = dirname(dirname(import.meta.dir));

export type Import = {
  /** "src/core/fault.ts" for our own files, else the package or "node:fs". */
  readonly target: string;
  /** `import()`: loaded when it is reached, not when the file is. */
  readonly lazy: boolean;
};

export type Source = {
  /** Relative to the project, with "/" on every system. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** What it needs to run; type-only imports are gone, as they are at run time. */
  readonly imports: readonly Import[];
};

const transpiler = new Bun.Transpiler({ loader: "ts" });

/** Every TypeScript file under these folders, sorted by path. */
export function sourcesIn(...folders: readonly string[]): readonly Source[] {
  const paths = folders.flatMap((folder) => [
    ...new Bun.Glob(`${folder}/**/*.{ts,tsx}`).scanSync(ROOT),
  ]);
  return paths
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map(readSource);
}

export function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8").replaceAll("\r\n", "\n");
  return { path, text, lines: text.split("\n"), imports: importsOf(path, text) };
}

/** The text without comments, so that a rule does not trip over a word about it. */
export function codeOf({ text }: Source): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

export type Graph = {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
};

/** Our files and the packages reached from `entry`; `lazy` follows `import()` too. */
export function reach(entries: readonly string[], lazy: boolean): Graph {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    if (!path.endsWith(".ts")) continue;
    for (const found of readSource(path).imports) {
      if (found.lazy && !lazy) continue;
      if (existsSync(join(ROOT, found.target))) queue.push(found.target);
      else packages.add(found.target);
    }
  }
  return { files, packages };
}

function importsOf(path: string, text: string): readonly Import[] {
  return transpiler.scanImports(text.replace(/^#!.*/, "")).map((found) => ({
    target: found.path.startsWith(".") ? posix.join(posix.dirname(path), found.path) : found.path,
    lazy: found.kind === "dynamic-import",
  }));
}
