/** What a client of `bun run interop` is, and how one is asked. */
import { type Environment, type Finished, type Installed, lastLine, runProgram } from "./kit.ts";

/** The ways to mcpd: the bridge is a command on standard streams. */
export const WIRES = ["http", "http 2026-07-28", "sse", "bridge"] as const;
export type Wire = (typeof WIRES)[number];

/** Where one wire leads: a URL, or a command. */
export type Way = {
  readonly wire: Wire;
  readonly url: string;
  readonly command: readonly [string, ...string[]];
  /** The API key, where the daemon wants one. */
  readonly key: string | null;
};

/** A client that is installed, in a home. */
export type Guest = {
  readonly installed: Installed;
  /** Of its own, and its working directory. */
  readonly home: string;
  readonly env: Environment;
};

/** One client at one wire. */
export type Visit = Guest & { readonly way: Way };

export type Client = {
  readonly name: string;
  readonly package: string;
  readonly wires: readonly Wire[];
  /** Those over which it can be told to send a key. */
  readonly keyed: readonly Wire[];
  /** Resolves with what was seen to work; throws with what was said instead. */
  readonly visit: (visit: Visit) => Promise<string>;
};

export const ABOUT = { name: "mcpd-interop", title: "mcpd interop", version: "1" };

export function headersOf({ key }: Way): Environment {
  return key === null ? {} : { "X-API-Key": key };
}

export function headerOf({ key }: Way): readonly string[] {
  return key === null ? [] : ["--header", `X-API-Key: ${key}`];
}

export async function run(
  { home, env }: Guest,
  command: readonly string[],
  more: Environment = {},
): Promise<Finished> {
  return await runProgram(command, { cwd: home, env: { ...env, ...more } });
}

export function expectIn({ output }: Finished, wanted: string): void {
  if (!output.includes(wanted)) throw new Error(lastLine(output));
}

export function expectText(value: unknown, wanted: string): void {
  const text = JSON.stringify(value);
  if (!text.includes(wanted)) throw new Error(lastLine(text));
}
