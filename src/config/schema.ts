// config: bytes on disk become a Revision here, and nobody else reads the file. This one is the
// single source of the keys: types, defaults, JSON Schema, help and `mcpd config explain`.

import * as v from "valibot";

import { ClientSchema } from "./schema-client.ts";
import { key, seconds, text, wholeNumber } from "./schema-key.ts";
import { UpstreamName, UpstreamSchema } from "./schema-upstream.ts";

const MEBIBYTE = 1_048_576;

const logLevel = v.picklist(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]);

const port = v.pipe(
  v.number(),
  v.integer(),
  v.minValue(1024, "Ports below 1024 need administrator rights; null lets mcpd choose"),
  v.maxValue(65_535),
);

const host = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9.:_-]+$/, "Write an address such as 127.0.0.1, without a port or http://"),
);

const origin = v.pipe(
  v.string(),
  v.regex(
    /^(\*|null|[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/\s]+)$/,
    'Write an origin such as "https://example.com" or "http://localhost:*", without a path',
  ),
);

const access = {
  enabled: key(
    v.boolean(),
    true,
    "live",
    "Master switch",
    "false stops the server, true starts it: 'mcpd stop' and 'mcpd start' write it.",
  ),
  host: key(
    host,
    "127.0.0.1",
    "move",
    "Bind address",
    "127.0.0.1 serves this machine only. Anything else lets others reach your tools.",
  ),
  port: key(
    v.nullable(port),
    null,
    "move",
    "HTTP port",
    "null derives one of 8321 to 8420 from your user name, so that two users do not collide.",
  ),
  transport: key(
    v.picklist(["http", "sse", "stdio"]),
    "http",
    "live",
    "MCP transport",
    "Kept for older files: HTTP and SSE are always served, stdio by 'mcpd bridge'.",
  ),
  auth: key(
    v.picklist(["api_key", "none"]),
    "api_key",
    "live",
    "Who may connect",
    "api_key: clients send the key of 'mcpd show-key'. none: every program may connect.",
  ),
  api_key_file: key(
    v.nullable(text),
    null,
    "live",
    "API key file",
    "File that holds the key, written when missing; null is api-key in the config directory.",
  ),
  api_key_env: key(
    text,
    "MCPD_API_KEY",
    "live",
    "API key variable",
    "Environment variable that wins over the file when it is set.",
  ),
  cors: key(
    v.object({
      allowed_origins: key(
        v.array(origin),
        [],
        "live",
        "Allowed origins",
        'Web pages that may connect, such as "http://localhost:*".',
      ),
      allow_credentials: key(
        v.boolean(),
        false,
        "live",
        "Allow credentials",
        "Let those pages send cookies and HTTP authentication.",
      ),
    }),
    {},
    "live",
    "CORS",
    "Cross-origin rules for browsers.",
  ),
};

const operation = {
  log_level: key(logLevel, "INFO", "live", "Log level", "Least urgent level that is logged."),
  log_levels: key(
    v.record(text, logLevel),
    {},
    "live",
    "Log level by component",
    'Levels over log_level, such as {"server": "DEBUG"}.',
  ),
  log_format: key(
    v.picklist(["text", "json"]),
    "text",
    "live",
    "Log format",
    "text for people, json for one JSON object per line.",
  ),
  log_rotation: key(
    v.object({
      max_bytes: key(
        wholeNumber(1024, 1024 * MEBIBYTE),
        10 * MEBIBYTE,
        "live",
        "Size of a log file",
        "A log file that grows past this many bytes is rotated.",
      ),
      backup_count: key(
        wholeNumber(0, 100),
        5,
        "live",
        "Old log files",
        "How many rotated files are kept of each log.",
      ),
    }),
    {},
    "live",
    "Log rotation",
    "Bounds of the log files.",
  ),
  config_poll_seconds: key(
    seconds(0.1),
    5,
    "live",
    "Config poll",
    "Seconds between looks at this file, for file systems that announce no changes.",
  ),
  health_check_interval: key(
    seconds(0.1),
    30,
    "live",
    "Health check interval",
    "Seconds between questions of 'mcpd bootstrap' to the server: one that hangs is restarted.",
  ),
  auto_start: key(
    v.boolean(),
    true,
    "live",
    "Start on demand",
    "Commands that need the daemon start it when it is not running.",
  ),
};

const server = {
  request_timeout_secs: key(
    seconds(),
    60,
    "live",
    "Time-out of a request",
    "Seconds a request may take where the upstream has no timeout_secs of its own.",
  ),
  max_message_bytes: key(
    wholeNumber(1024, 1024 * MEBIBYTE),
    MEBIBYTE,
    "live",
    "Largest message of a client",
    "Bytes a client may send in one message.",
  ),
  max_answer_bytes: key(
    wholeNumber(1024, 1024 * MEBIBYTE),
    64 * MEBIBYTE,
    "live",
    "Largest answer",
    "Bytes an upstream may answer in one message.",
  ),
  session_idle_secs: key(
    seconds(),
    86_400,
    "live",
    "Life of an idle session",
    "Seconds without a request or stream after which a session ends.",
  ),
  sessions_max: key(
    wholeNumber(1, 1_000_000),
    10_000,
    "live",
    "Most sessions",
    "Sessions in memory at once. Past it, the one unused for longest sleeps on disk until its client comes back.",
  ),
};

/** The whole file. Unknown keys are dropped here and warned about by resolve.ts. */
export const ConfigSchema = v.object({
  $schema: v.optional(v.string()),
  _version: key(
    v.pipe(
      v.string(),
      v.regex(
        /^1(\.\d+)?$/,
        "The file is written for another mcpd: upgrade mcpd, or fix the number",
      ),
    ),
    "1.0",
    "live",
    "Version of this format",
    '"1.0" is the only one so far.',
  ),
  daemon: key(
    v.pipe(
      v.object({ ...access, ...operation }),
      v.check(
        ({ auth, cors }) => auth !== "none" || !cors.allowed_origins.some(isAnybodys),
        'With "auth": "none" any web page could come in: name pages in "cors.allowed_origins" in full, or set "auth" to "api_key"',
      ),
    ),
    {},
    "live",
    "Daemon",
    "How the daemon runs and who may connect.",
  ),
  server: key(
    v.object(server),
    {},
    "live",
    "Server",
    "Bounds of what clients and upstreams may do.",
  ),
  clients: key(
    v.record(v.pipe(v.string(), v.nonEmpty()), ClientSchema),
    {},
    "live",
    "Clients",
    'What clients are shown on /mcp, by a pattern of the name they give themselves: "claude-code", "*".',
  ),
  mcpServers: key(
    v.record(UpstreamName, UpstreamSchema),
    {},
    "live",
    "Upstreams",
    "The MCP servers to run and share, by name.",
  ),
});

export type ConfigEntry = v.InferOutput<typeof ConfigSchema>;
export type DaemonEntry = ConfigEntry["daemon"];

/** Patterns that pages of strangers match: any origin, that of sandboxed frames, an open end. */
function isAnybodys(pattern: string): boolean {
  return pattern === "null" || pattern.replace(/:[\d*]*$/, "").endsWith("*");
}
