import * as v from "valibot";

import { BUILTIN_UPSTREAM } from "../core/unit.ts";
import { key, seconds, text, toolFilter, wholeNumber } from "./schema-key.ts";

/** Where a value comes from that the file should not hold; the prefix is put in front of it. */
const EnvReference = v.strictObject({ env: text, prefix: v.optional(v.string(), "") });
const FileReference = v.strictObject({ file: text, prefix: v.optional(v.string(), "") });
const KeychainReference = v.strictObject({
  keychain: v.strictObject({ service: text, account: text }),
  prefix: v.optional(v.string(), ""),
});

const value = v.pipe(
  v.union([v.string(), EnvReference, FileReference, KeychainReference]),
  v.metadata({
    words:
      'text, {"env": "NAME"}, {"file": "PATH"} or {"keychain": {"service": "S", "account": "A"}}',
  }),
);

const environmentName = v.pipe(
  v.string(),
  v.regex(/^[^=\0]+$/, 'A variable name cannot be empty or contain "="'),
);

const headerName = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "This is not a header name"),
);

/** Every name under mcpServers; it becomes a part of URLs and of tool names. */
export const UpstreamName = v.pipe(
  v.string(),
  v.regex(
    /^(?!.*__)[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$/,
    'A name is 1 to 40 letters, digits, "_", "." or "-", letter or digit first, without "__"',
  ),
  // Every object of the language has members of these names.
  v.notValues(["constructor", "prototype"], "This name is taken by the language: choose another"),
  v.notValue(BUILTIN_UPSTREAM, '"mcpd" is the name of the built-in upstream: choose another one'),
);

/** Why a text cannot name an upstream; null when it can. */
export function nameProblem(name: string): string | null {
  const checked = v.safeParse(UpstreamName, name);
  return checked.success ? null : checked.issues[0].message;
}

const identity = {
  type: key(
    v.nullable(v.picklist(["stdio", "http", "streamable-http", "sse", "ws"])),
    null,
    "replace",
    "Kind of upstream",
    "stdio for a command; http (streamable-http), sse or ws for a url; null goes by those.",
  ),
  command: v.optional(
    v.pipe(
      text,
      v.metadata({
        title: "Command",
        description:
          "Program to start: a name in PATH or a path, relative to this file. ${NAME} is expanded.",
        applies: "replace",
      }),
    ),
  ),
  args: key(
    v.array(v.string()),
    [],
    "replace",
    "Arguments",
    "Arguments of the command, one per entry. ${NAME} is expanded; it may be one of env.",
  ),
  env: key(
    v.record(environmentName, value),
    {},
    "replace",
    "Environment",
    "Variables on top of your own, read at every start; text may hold ${NAME}. A remote upstream's " +
      "are for its url and headers.",
  ),
  cwd: key(
    v.nullable(text),
    null,
    "replace",
    "Working directory",
    "Directory the command starts in; null is your home directory.",
  ),
  url: v.optional(
    v.pipe(
      text,
      v.check(isUpstreamUrl, "Write it like https://example.com/mcp (http, https, ws or wss)"),
      v.metadata({
        title: "URL",
        description:
          "Address of a remote upstream, instead of a command. ${NAME} is expanded; " +
          "it may be one of env.",
        applies: "replace",
      }),
    ),
  ),
  urls: v.optional(
    v.pipe(
      v.array(v.pipe(text, v.check(isUpstreamUrl, "Write it like https://example.com/mcp"))),
      v.minLength(2, "Give at least two, or one as url"),
      v.maxLength(16, "There are at most 16"),
      v.check(
        (urls) => new Set(urls.map((url) => url.startsWith("ws"))).size === 1,
        "All of them are http or https, or all are ws or wss",
      ),
      v.metadata({
        title: "URLs",
        description:
          "Addresses that serve the same, instead of one url: requests go to whichever has least to do.",
        applies: "members",
      }),
    ),
  ),
  replicas: key(
    wholeNumber(1, 16),
    1,
    "members",
    "Replicas",
    "How many of the command run side by side: reads survive the end of one, calls are spread.",
  ),
  headers: key(
    v.record(headerName, value),
    {},
    "replace",
    "Headers",
    'HTTP headers; text may hold ${NAME}, a reference "prefix": {"env": "NAME", "prefix": "Bearer "}.',
  ),
  headers_env: key(
    v.record(headerName, text),
    {},
    "replace",
    "Headers from the environment",
    "Header name to the environment variable that holds its value.",
  ),
  era: key(
    v.picklist(["auto", "legacy", "modern"]),
    "auto",
    "replace",
    "Era of the protocol",
    "auto finds out at the first start. legacy: revisions up to 2025-11-25. modern: 2026-07-28.",
  ),
  scope: key(
    v.picklist(["user", "project", "session"]),
    "user",
    "replace",
    "Who shares an instance",
    "user: all clients share one. project: one per project directory; {project} in the command, " +
      "args, env, cwd or url stands for it and implies this scope. session: one per client.",
  ),
};

const behaviour = {
  disabled: key(
    v.boolean(),
    false,
    "live",
    "Disabled",
    "true stops the upstream and hides its tools.",
  ),
  timeout_secs: key(
    v.nullable(seconds()),
    null,
    "live",
    "Time-out of a request",
    "Seconds a request may take; null uses server.request_timeout_secs.",
  ),
  start_timeout_secs: key(
    seconds(),
    60,
    "live",
    "Time-out of the start",
    "Seconds from the start of the command to its answer to 'initialize'.",
  ),
  idle_stop_secs: key(
    v.nullable(seconds()),
    null,
    "live",
    "Stop when idle",
    "Seconds without use after which an instance is stopped; null keeps it running.",
  ),
  auto_reconnect: key(
    v.boolean(),
    true,
    "live",
    "Restart after a crash",
    "Start the upstream again when it ends by itself.",
  ),
  max_retries: key(
    wholeNumber(0, 10),
    1,
    "live",
    "Repeated reads",
    "How often a read in flight in a crash is repeated; calls with effects never are.",
  ),
  hedge_reads_secs: key(
    v.nullable(seconds()),
    null,
    "live",
    "Late reads",
    "Seconds after which a read is sent to a second replica as well: the first answer counts; null for never.",
  ),
  trust_read_only: key(
    v.boolean(),
    false,
    "live",
    "Believe readOnlyHint",
    "true repeats calls of tools that say they only read, as it is done with other reads.",
  ),
  tools: key(toolFilter, {}, "live", "Tool filter", "Which of its tools clients see and may call."),
  cache: key(
    v.object({
      tools: key(
        v.record(text, seconds()),
        {},
        "live",
        "Tools whose results are kept",
        'Patterns of tools and for how many seconds a result may be given again: {"search_*": 300}.',
      ),
      resources_secs: key(
        seconds(0),
        0,
        "live",
        "Resources that are kept",
        "Seconds a resource that was read may be given again when the server does not say; 0 for not at all.",
      ),
      forget_on: key(
        v.array(text),
        [],
        "live",
        "Tools that change something",
        "Patterns of tools whose calls make every kept result of this upstream forgotten.",
      ),
    }),
    {},
    "live",
    "Kept results",
    "Which answers mcpd may give again without asking. What a server announces as changed is forgotten.",
  ),
  prefix: key(
    v.picklist(["auto", "always", "never"]),
    "auto",
    "live",
    "Name prefix",
    "Puts <upstream>__ in front of its names on /mcp: where names clash, always or never.",
  ),
};

/** The keys of an upstream that apply live; alone it gives their defaults. */
export const BehaviourSchema = v.object(behaviour);

/** One entry of mcpServers, in the shape every MCP client uses, plus our own keys. */
export const UpstreamSchema = v.pipe(
  v.object({ ...identity, ...behaviour }),
  v.check(
    ({ command, url, urls }) =>
      [command, url, urls].filter((one) => one !== undefined).length === 1,
    'Give either "command" (a program to start) or "url" (a remote upstream)',
  ),
  v.check(
    (entry) => entry.replicas === 1 || entry.command !== undefined,
    'Several "replicas" need a "command"; a remote upstream has "urls"',
  ),
  v.check(
    (entry) => typeFits(entry.type, entry.command),
    'The "type" does not fit: stdio needs "command"; http, sse and ws need "url"',
  ),
  v.metadata({
    words: 'an object with "command" or "url"',
    anyOf: [{ required: ["command"] }, { required: ["url"] }, { required: ["urls"] }],
  }),
);

export type BehaviourEntry = v.InferOutput<typeof BehaviourSchema>;
export type UpstreamEntry = v.InferOutput<typeof UpstreamSchema>;
export type ValueEntry = v.InferOutput<typeof value>;

function typeFits(type: string | null, command: string | undefined): boolean {
  return type === null || (type === "stdio") === (command !== undefined);
}

/** A URL that still has a ${NAME} in it can only be judged when it is expanded. */
function isUpstreamUrl(address: string): boolean {
  if (address.includes("${")) return true;
  return URL.canParse(address) && /^(https?|wss?):$/.test(new URL(address).protocol);
}
