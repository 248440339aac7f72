import type { Fields, Level } from "./log.ts";

/** One entry of a log before it becomes a line. */
export type LogEntry = {
  readonly atMs: number;
  readonly logger: string;
  readonly level: Level;
  readonly text: string;
  readonly fields: Fields;
};

/** Longer values are cut: they come from others, and one line must not fill the log. */
const VALUE_LENGTH_MAX = 4096;

const MINUTE_MS = 60_000;

const SECRET_KEY = /token|secret|password|passwd|authorization|api[-_]?key|credential|cookie/i;
const NEEDS_QUOTES = /[\s"=]|^$/;
// Control characters, and the separators that some viewers show as line ends.
// oxlint-disable-next-line no-control-regex -- they are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** `2025-12-25 10:30:00,123 - mcpd.server - INFO - message key=value` (MISSION A16). */
export function formatText(entry: LogEntry, offsetMs?: number): string {
  const pairs = Object.entries(shown(entry.fields)).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? quoted(value) : value}`,
  );
  const head = `${timestamp(entry.atMs, offsetMs)} - ${entry.logger} - ${entry.level} - `;
  return head + oneLine(cut(entry.text)) + pairs.join("");
}

/** One JSON object per line: ts (ISO 8601, UTC), logger, level, message and, if any, fields. */
export function formatJson(entry: LogEntry): string {
  const fields = shown(entry.fields);
  return JSON.stringify({
    ts: new Date(entry.atMs).toISOString(),
    logger: entry.logger,
    level: entry.level,
    message: cut(entry.text),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
  });
}

/**
 * Local time as the documented format has it: `2025-12-25 10:30:00,123`. Whoever gives the offset
 * keeps the runtime from loading what it knows of time zones, which takes a megabyte.
 */
export function timestamp(atMs: number, offsetMs: number = utcOffsetMs(atMs)): string {
  const [date = "", time = ""] = new Date(atMs + offsetMs).toISOString().split("T");
  return `${date} ${time.slice(0, 8)},${time.slice(9, 12)}`;
}

/** How far local time is ahead of UTC at that moment, in milliseconds. */
export function utcOffsetMs(atMs: number): number {
  return -new Date(atMs).getTimezoneOffset() * MINUTE_MS;
}

/** Escapes what would forge a second line or drive a terminal. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function cut(text: string): string {
  return text.length <= VALUE_LENGTH_MAX ? text : `${text.slice(0, VALUE_LENGTH_MAX)} (cut)`;
}

function quoted(value: string): string {
  return NEEDS_QUOTES.test(value) ? oneLine(JSON.stringify(value)) : oneLine(value);
}

/** The fields that have a value, without the values of those whose name speaks of a secret. */
function shown(fields: Fields): { [key: string]: string | number | boolean | null } {
  const kept: { [key: string]: string | number | boolean | null } = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (typeof value !== "string") kept[key] = value;
    else kept[key] = SECRET_KEY.test(key) ? "[redacted]" : cut(value);
  }
  return kept;
}
