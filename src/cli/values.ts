import { usage } from "./parse.ts";

const DAY_MS = 86_400_000;

/** A whole number given on the command line. Throws a usage fault that names the flag. */
export function wholeNumber(
  text: string,
  flag: string,
  bounds: { readonly min: number; readonly max: number },
  subject: string,
): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= bounds.min && value <= bounds.max) return value;
  const range = `a whole number from ${bounds.min} to ${bounds.max}`;
  throw usage(`${flag} must be ${range}, received "${text}"`, subject);
}

/** Seconds given as --timeout, in milliseconds; undefined without it. Throws a usage fault. */
export function timeoutMsOf(text: string, subject: string): number;
export function timeoutMsOf(text: string | undefined, subject: string): number | undefined;
export function timeoutMsOf(text: string | undefined, subject: string): number | undefined {
  if (text === undefined) return undefined;
  const timeoutMs = millisecondsOf(Number(text));
  if (timeoutMs !== null) return timeoutMs;
  throw usage(`--timeout must be ${SECONDS}, received "${text}"`, subject);
}

/** What `millisecondsOf` takes, in words. */
export const SECONDS = "seconds, above 0 and at most a day (86400)";

/** Null for what is no time-out: timers past 24 days fire at once. */
export function millisecondsOf(seconds: number): number | null {
  const milliseconds = Math.ceil(seconds * 1000);
  return milliseconds >= 1 && milliseconds <= DAY_MS ? milliseconds : null;
}

/** "KEY=VALUE" taken apart. Throws a usage fault that names the flag. */
export function pair(text: string, flag: string, subject: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw usage(`${flag} must be KEY=VALUE, received "${text}"`, subject);
  return [text.slice(0, at), text.slice(at + 1)];
}
