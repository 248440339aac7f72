import { writeFileSync } from "node:fs";

import { fault, FaultError } from "../core/fault.ts";
import { reasonOf } from "../lib/files.ts";
import type { Binary } from "./call-result.ts";
import type { Output } from "./output.ts";

/** Writes contents to FILE, FILE-2, ..., and says so. */
export function saveAll(contents: readonly Binary[], file: string, output: Output): void {
  for (const [index, { label, bytes }] of contents.entries()) {
    const path = index === 0 ? file : `${file}-${index + 1}`;
    try {
      writeFileSync(path, bytes);
    } catch (error) {
      const words = `Cannot write ${path}: ${reasonOf(error)}`;
      throw new FaultError(fault("file.failed", words, path));
    }
    output.notes.info(`Wrote ${path} (${label})`);
  }
}
