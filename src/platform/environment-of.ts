import { readFileSync } from "node:fs";

import type { Environment, Platform } from "./platform.ts";

/** What a process of ours was started with; null where the system does not tell. */
export function environmentOf(pid: number, system: Platform["name"]): Environment | null {
  if (system !== "linux") return null;
  try {
    const text = readFileSync(`/proc/${pid}/environ`, "utf8");
    const pairs = text.split("\0").filter((pair) => pair.includes("="));
    const named = pairs.map((pair): [string, string] => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    return named.length === 0 ? null : Object.fromEntries(named);
  } catch {
    // It has ended, or belongs to somebody else.
    return null;
  }
}
