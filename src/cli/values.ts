import { usage } from "./parse.ts";

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
  const timeoutMs = Math.round(Number(text) * 1000);
  if (timeoutMs >= 1) return timeoutMs;
  throw usage(`--timeout must be seconds, received "${text}"`, subject);
}

/** "KEY=VALUE" taken apart. Throws a usage fault that names the flag. */
export function pair(text: string, flag: string, subject: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at <= 0) throw usage(`${flag} must be KEY=VALUE, received "${text}"`, subject);
  return [text.slice(0, at), text.slice(at + 1)];
}
