import { test } from "bun:test";

/** A test of what Windows does not have: process groups, signals, file modes, a login shell. */
export function posixTest(name: string, body: () => void | Promise<void>): void {
  if (process.platform !== "win32") test(name, body);
}
