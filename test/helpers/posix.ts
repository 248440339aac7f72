import { test } from "bun:test";

/** A test of what Windows does not have: process groups, signals, file modes, a login shell. */
export function posixTest(
  name: string,
  body: () => void | Promise<void>,
  timeoutMs?: number,
): void {
  if (process.platform !== "win32") test(name, body, timeoutMs);
}

/** A test that looks into /proc: what a process is, is called and was given. */
export function linuxTest(
  name: string,
  body: () => void | Promise<void>,
  timeoutMs?: number,
): void {
  if (process.platform === "linux") test(name, body, timeoutMs);
}
