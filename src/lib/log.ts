/** Levels of the documented log format (MISSION A16), least urgent first. */
export type Level = "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Extra values of a log line: rendered as key=value, or as JSON members. Never a secret. */
export type Fields = { readonly [key: string]: string | number | boolean | null | undefined };

/** A logger for one component. */
export interface Log {
  debug(text: string, fields?: Fields): void;
  info(text: string, fields?: Fields): void;
  warning(text: string, fields?: Fields): void;
  error(text: string, fields?: Fields): void;
  /** The logger of a part: "mcpd.server" -> "mcpd.server.pool". */
  child(part: string): Log;
  /** Whether lines of this level are written: saves the making of those that are not. */
  enabled(level: Level): boolean;
}
