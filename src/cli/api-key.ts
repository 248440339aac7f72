import { fault, FaultError } from "../core/fault.ts";
import type { DaemonSettings } from "../core/revision.ts";
import { readIfExists, reasonOf } from "../lib/files.ts";

export type FoundKey =
  | { readonly key: string; readonly origin: "file"; readonly file: string }
  | { readonly key: string; readonly origin: "environment"; readonly variable: string };

/** The API key that HTTP clients need, and where it comes from. Throws when there is none yet. */
export function findKey({
  apiKeyEnv,
  apiKeyFile,
}: Pick<DaemonSettings, "apiKeyEnv" | "apiKeyFile">): FoundKey {
  const key = process.env[apiKeyEnv]?.trim() ?? "";
  if (key !== "") return { key, origin: "environment", variable: apiKeyEnv };
  return { key: keyIn(apiKeyFile), origin: "file", file: apiKeyFile };
}

function keyIn(file: string): string {
  try {
    const key = readIfExists(file)?.trim() ?? "";
    if (key !== "") return key;
  } catch (error) {
    throw new FaultError(fault("file.failed", `Cannot read ${file}: ${reasonOf(error)}`, file));
  }
  const text = `There is no API key yet: the daemon writes ${file} when it starts`;
  throw new FaultError(fault("daemon.unreachable", text));
}
