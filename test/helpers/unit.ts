import type { Unit } from "../../src/core/unit.ts";

/** A unit for tests that never start a process. */
export function unitOf(upstream: string, change: Partial<Unit> = {}): Unit {
  return {
    key: upstream,
    upstream,
    scope: "user",
    disabled: false,
    era: "legacy",
    reach: { kind: "stdio", command: "model", args: [], env: {}, cwd: null },
    settings: {
      requestTimeoutMs: 5_000,
      startTimeoutMs: 10_000,
      idleStopMs: null,
      reconnect: true,
      retriesMax: 1,
      hedgeMs: null,
      tools: { allow: [], deny: [] },
      prefix: "auto",
      reuse: { tools: [], resourcesMs: 0, forgottenBy: [] },
      trustReadOnly: false,
    },
    hash: `hash of ${upstream}`,
    ...change,
  };
}

/** The same upstream with a command of its own. */
export function otherCommand(unit: Unit): Unit {
  const reach = { kind: "stdio", command: "other", args: [], env: {}, cwd: null } as const;
  return { ...unit, hash: "other", reach };
}
