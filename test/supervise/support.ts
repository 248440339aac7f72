import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Unit, ValueRef } from "../../src/core/unit.ts";
import type { Log } from "../../src/lib/log.ts";

/** A log nobody reads. */
export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  child: () => quietLog,
  enabled: () => false,
};

/** The path of a small misbehaving program. */
export function fixture(name: string): string {
  return join(import.meta.dir, "..", "fixtures", "process", name);
}

export function temporaryDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), "mcpd-sup-")));
}

/** A stdio unit; by default it runs a fixture on this Bun. */
export function unitOf(options: {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: { readonly [name: string]: ValueRef };
  readonly cwd?: string | null;
  readonly project?: string;
  readonly startTimeoutMs?: number;
  readonly reconnect?: boolean;
}): Unit {
  return {
    key: "test",
    upstream: "test",
    scope: "user",
    disabled: false,
    era: "legacy",
    hash: "hash",
    ...(options.project === undefined ? {} : { project: options.project }),
    reach: {
      kind: "stdio",
      command: options.command ?? process.execPath,
      args: options.args ?? [],
      env: options.env ?? {},
      cwd: options.cwd === undefined ? import.meta.dir : options.cwd,
    },
    settings: {
      requestTimeoutMs: 60_000,
      startTimeoutMs: options.startTimeoutMs ?? 30_000,
      idleStopMs: null,
      reconnect: options.reconnect ?? true,
      retriesMax: 0,
      hedgeMs: null,
      tools: { allow: [], deny: [] },
      prefix: "auto",
      reuse: { tools: [], resourcesMs: 0, forgottenBy: [] },
      trustReadOnly: false,
    },
  };
}

/** Reads lines of JSON from a stream, one at a time. */
export function jsonLines(
  stream: ReadableStream<Uint8Array>,
): () => Promise<Record<string, unknown>> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return async () => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The stream ended after ${JSON.stringify(text)}`);
      text += decoder.decode(value, { stream: true });
    }
    const at = text.indexOf("\n");
    const line = text.slice(0, at);
    text = text.slice(at + 1);
    return JSON.parse(line) as Record<string, unknown>;
  };
}

/** True while a process runs; one that nobody has reaped yet is not running. */
export async function isRunning(pid: number): Promise<boolean> {
  const { pickPlatform } = await import("../../src/platform/pick.ts");
  return (await pickPlatform(process.env).processIdentity(pid)) !== null;
}
