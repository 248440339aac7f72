// Writes the pages of .github/guide that are made from the program's own tables; a test proves that
// they are current, and that what the others tell people to type works.

import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { clientPages } from "./guide/clients.ts";
import { faultsPage } from "./guide/faults.ts";
import { optionsPage } from "./guide/options.ts";

export const GUIDE: string = join(dirname(import.meta.dir), ".github", "guide");

/** Every generated page: its path in the guide, and its text before the formatter has seen it. */
export function pages(): ReadonlyMap<string, string> {
  return new Map([["options.md", optionsPage()], ["faults.md", faultsPage()], ...clientPages()]);
}

/** Writes them below a directory, as `bun fmt` has them. */
export async function writePages(directory: string): Promise<void> {
  for (const [path, text] of pages()) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    await Bun.write(join(directory, path), text);
  }
  Bun.spawnSync([process.execPath, "fmt", directory], { stdio: ["ignore", "ignore", "inherit"] });
}

if (import.meta.main) {
  // A client that is no longer known has no page.
  rmSync(join(GUIDE, "clients"), { recursive: true, force: true });
  await writePages(GUIDE);
}
