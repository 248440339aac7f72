import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import manifest from "../package.json" with { type: "json" };
import { stamp } from "./compile.ts";

const ROOT = dirname(import.meta.dir);

/**
 * Makes dist/package, ready for `npm pack`: the library for Node and Bun as one file without
 * dependencies, its types, and a manifest of its own. Throws what the bundler or compiler says.
 */
export async function buildLibrary(): Promise<string> {
  const folder = join(ROOT, "dist", "package");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundle(folder);
  declareTypes();
  prune(join(folder, "types"));
  for (const file of ["README.md", "LICENSE"]) copyFileSync(join(ROOT, file), join(folder, file));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(packageManifest(), null, 2)}\n`);
  return folder;
}

async function bundle(folder: string): Promise<void> {
  const made = stamp();
  await Bun.build({
    entrypoints: [join(ROOT, "src", "library", "mcpd.ts")],
    outdir: folder,
    target: "node",
    format: "esm",
    define: {
      MCPD_VERSION: JSON.stringify(made.version),
      MCPD_COMMIT: JSON.stringify(made.commit),
    },
    throw: true,
  });
}

/** With this very Bun, also where there is no Node for the compiler's `#!` line. */
function declareTypes(): void {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const words = [compiler, "--project", join(ROOT, "build", "library.tsconfig.json")];
  const run = Bun.spawnSync([process.execPath, ...words], { stdout: "pipe", stderr: "pipe" });
  if (!run.success) throw new Error(`the types of the library: ${run.stdout.toString()}`);
}

/** Takes away what the compiler wrote about files that nobody sees from the entry. */
function prune(folder: string): void {
  const seen = new Set<string>();
  const queue = [join(folder, "library", "mcpd.d.ts")];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const imported = readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)\.ts"/g);
    for (const [, target = ""] of imported) queue.push(join(dirname(path), `${target}.d.ts`));
  }
  for (const file of new Bun.Glob("**/*.d.ts").scanSync(folder)) {
    if (!seen.has(join(folder, file))) rmSync(join(folder, file));
  }
}

function packageManifest(): object {
  const { name, version, description, license, type } = manifest;
  return {
    name,
    version,
    private: manifest.private,
    description,
    license,
    type,
    engines: { node: ">=20.16", bun: ">=1.2" },
    exports: { ".": { types: "./types/library/mcpd.d.ts", default: "./mcpd.js" } },
    files: ["mcpd.js", "types"],
  };
}
