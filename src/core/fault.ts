// core: the whole behaviour of mcpd as values, with no clock, file, socket or random number in it.
// This file is the closed table of operating errors: every edge renders from it, nobody else maps
// an error to an exit code, an HTTP status or a JSON-RPC code.

type FaultRow = {
  /**
   * Exit code of the CLI: 1 failure, 2 usage, otherwise sysexits.h (69, 70, 73..78) and 124
   * time-out.
   */
  readonly exit: number;
  readonly http: number;
  /** JSON-RPC error code. */
  readonly rpc: number;
  readonly title: string;
  /** What to do; `{subject}` is replaced by the fault's subject. */
  readonly hint: string;
};

/** As FaultRow has them: of the CLI, of HTTP, of JSON-RPC. */
type Codes = readonly [exit: number, http: number, rpc: number];

const table = {
  "usage.invalid": row(
    [2, 400, -32602],
    "Wrong usage",
    "Run 'mcpd help {subject}' for the syntax.",
  ),
  "config.unreadable": row(
    [78, 500, -32603],
    "Cannot read the config",
    "Check that {subject} exists and belongs to you.",
  ),
  "config.invalid": row(
    [78, 500, -32603],
    "The config is not valid",
    "Fix the line named above; 'mcpd config validate' checks it, 'mcpd config explain' lists the keys.",
  ),
  "config.refused": row(
    [78, 400, -32602],
    "The config would not be valid",
    "Nothing was written; 'mcpd config explain' lists the keys and what they take.",
  ),
  "config.changed": row(
    [75, 409, -32603],
    "The config changed meanwhile",
    "Run the command again: it will start from the new text.",
  ),
  "config.not-applied": row(
    [75, 503, -32603],
    "The daemon has not applied the change",
    "Run 'mcpd status' to see what it reports.",
  ),
  "daemon.disabled": row(
    [69, 503, -32603],
    "mcpd is disabled by its config",
    "Run 'mcpd start', or set daemon.enabled to true in the config.",
  ),
  "daemon.unreachable": row(
    [69, 503, -32603],
    "The daemon is not running",
    "Start it with 'mcpd start'.",
  ),
  "daemon.lost": row(
    [69, 502, -32603],
    "The daemon went away while it worked on the request",
    "It may or may not have had its effect: check before you repeat it.",
  ),
  "daemon.running": row(
    [75, 409, -32603],
    "A daemon is already running",
    "Use it ('mcpd status'), or stop it first.",
  ),
  "daemon.root": row(
    [77, 403, -32603],
    "Refusing to run as root",
    "Run mcpd as yourself; MCPD_ALLOW_ROOT=1 overrides this for containers.",
  ),
  "service.unavailable": row(
    [69, 503, -32603],
    "There is no service manager to use",
    "Run 'mcpd start': it runs in the background without one.",
  ),
  "service.missing": row(
    [69, 503, -32603],
    "mcpd is not registered as a service",
    "Register it with 'mcpd daemon install'.",
  ),
  "service.failed": row(
    [69, 503, -32603],
    "The service manager has not done it",
    "See 'mcpd daemon status' and 'mcpd daemon logs'.",
  ),
  "service.path": row(
    [78, 500, -32603],
    "The service manager cannot take this path",
    "Use paths without quotes, backslashes and line breaks, or 'mcpd install --no-service'.",
  ),
  "service.template": row(
    [78, 500, -32603],
    "The template of the service is not usable",
    "Fix {subject}, or remove it; 'mcpd daemon template' prints the one to start from.",
  ),
  "service.linger": row(
    [77, 403, -32603],
    "Lingering is not permitted",
    "Run 'sudo loginctl enable-linger {subject}', or ask an administrator to.",
  ),
  "install.busy": row(
    [75, 409, -32603],
    "Another install, upgrade or uninstall is at work",
    "Wait until it has ended, then run the command again.",
  ),
  "install.space": row(
    [73, 507, -32603],
    "There is not enough space",
    "Free some space on its disk, or name another place with --prefix; nothing has been changed.",
  ),
  "install.newer": row(
    [77, 409, -32603],
    "A newer version is installed",
    "Keep it, or add --allow-downgrade to have the older one.",
  ),
  "install.owned": row(
    [77, 409, -32603],
    "This copy belongs to a package manager",
    "Use {subject}.",
  ),
  "install.other": row(
    [77, 409, -32603],
    "Another copy has the service",
    "Remove that one first: '{subject} uninstall' keeps config and data. 'mcpd install --no-service' leaves it alone.",
  ),
  "install.source": row(
    [69, 503, -32603],
    "There is no executable to install",
    "Build one with 'bun run build' and run 'dist/mcpd install'.",
  ),
  "install.missing": row(
    [69, 404, -32603],
    "mcpd is not installed here",
    "Name the folder of a copy with --prefix, or install one with 'mcpd install'.",
  ),
  "install.unhealthy": row(
    [69, 503, -32603],
    "The daemon does not come up",
    "See 'mcpd logs'; what was there before is back.",
  ),
  "install.alone": row(
    [69, 404, -32603],
    "Cannot go back: no earlier version is kept",
    "Name one: 'mcpd upgrade --version V --allow-downgrade'.",
  ),
  "install.broken": row(
    [65, 502, -32603],
    "The new executable does not work here",
    "Get it again, for this system; nothing has been changed.",
  ),
  "install.inside": row(
    [75, 409, -32603],
    "This command runs inside the service it would restart",
    "Run it in a terminal of your own.",
  ),
  "release.unreachable": row(
    [69, 502, -32603],
    "The release cannot be downloaded",
    "Check the network; or get the files elsewhere and use 'mcpd upgrade --from FILE'.",
  ),
  "release.untrusted": row(
    [65, 502, -32603],
    "These files are not what was released",
    "Do not run them; download them again, and report it when it stays so.",
  ),
  "release.unsigned": row(
    [77, 403, -32603],
    "Nothing says who made this file",
    "Use a signed release; or name a file with --from and add --unsigned-ok if you trust it.",
  ),
  "login.failed": row(
    [77, 502, -32603],
    "The login failed",
    "Try 'mcpd auth {subject}' again; with --logout before it, everything starts afresh.",
  ),
  "file.failed": row(
    [74, 500, -32603],
    "Cannot use a file",
    "Check the path, space and rights of {subject}.",
  ),
  "client.failed": row(
    [69, 500, -32603],
    "The client does not start",
    "Install {subject}, or name its full path.",
  ),
  "question.ambiguous": row(
    [75, 503, -32603],
    "It is not certain whose call this question belongs to",
    "Call the tool again: mcpd has noted that it asks, and runs such calls one after the other.",
  ),
  "question.nobody": row(
    [69, 503, -32601],
    "There is no client to answer the question",
    "Call from a client that answers questions: 'mcpd call' does on a terminal, or with --answer.",
  ),
  "question.declined": row(
    [1, 403, -32603],
    "The user has declined to open the address",
    "Call again and open it, if the call is still wanted.",
  ),
  "question.state": row(
    [65, 400, -32602],
    "The requestState is unknown",
    "Start the request again without requestState: it has expired, been used, or is not yours.",
  ),
  "secret.missing": row(
    [78, 500, -32603],
    "A secret is missing",
    "Provide {subject} where mcpd runs, then save the config to retry.",
  ),
  "secret.locked": row(
    [78, 503, -32603],
    "The keychain does not give a secret",
    "Unlock the keychain and call again: mcpd asks it when somebody needs the server.",
  ),
  "message.parse": row(
    [65, 400, -32700],
    "The message is not JSON",
    "Send one JSON-RPC 2.0 message.",
  ),
  "message.invalid": row(
    [65, 400, -32600],
    "The message is not a JSON-RPC request",
    "Send jsonrpc, id, method and params as JSON-RPC 2.0 says.",
  ),
  "message.too-large": row(
    [65, 413, -32600],
    "The message is too large",
    "Send less, or raise server.max_message_bytes.",
  ),
  "message.duplicate-id": row(
    [65, 400, -32600],
    "The request id is in use",
    "Give every request in flight an id of its own.",
  ),
  "method.unknown": row(
    [64, 404, -32601],
    "Method not found",
    "See what the server declares in its capabilities.",
  ),
  "params.invalid": row(
    [65, 400, -32602],
    "Invalid params",
    "Compare the arguments with the tool's input schema: 'mcpd tools --json' shows it.",
  ),
  "tool.unknown": row([66, 404, -32602], "Unknown tool", "List the tools with 'mcpd tools'."),
  "tool.denied": row(
    [77, 403, -32602],
    "The tool is switched off by the config",
    "See tools.allow and tools.deny of the upstream in 'mcpd config show'.",
  ),
  "project.missing": row(
    [64, 400, -32602],
    "The project is not known",
    "Name it with ?project=/absolute/path in the URL or the header X-Mcpd-Project.",
  ),
  "project.unknown": row(
    [66, 400, -32602],
    "The project does not exist",
    "Name an existing directory (?project=, X-Mcpd-Project or --project), or start the client in one.",
  ),
  "task.unknown": row(
    [66, 404, -32602],
    "Unknown task",
    "Use the id in the session that made the task; a restart of its upstream ends it.",
  ),
  "prompt.unknown": row(
    [66, 404, -32602],
    "Unknown prompt",
    "List the prompts with 'mcpd prompts'.",
  ),
  "resource.unknown": row(
    [66, 404, -32002],
    "Resource not found",
    "List the resources with 'mcpd resources'.",
  ),
  "session.missing": row(
    [65, 400, -32600],
    "The Mcp-Session-Id header is missing",
    "Send 'initialize' first and repeat the id it answers with.",
  ),
  "session.unknown": row(
    [65, 404, -32001],
    "Unknown session",
    "Start a new session with 'initialize'.",
  ),
  "session.not-ready": row(
    [65, 400, -32002],
    "The session is not initialised",
    "Send 'initialize' as the first request.",
  ),
  "session.limit": row(
    [75, 503, -32603],
    "Too many sessions",
    "Close some clients, or raise server.sessions_max.",
  ),
  "session.busy": row(
    [75, 429, -32603],
    "Too many requests in flight for this session",
    "Wait for answers before sending more.",
  ),
  "gate.key": row(
    [77, 401, -32001],
    "The API key is missing or wrong",
    "Get it with 'mcpd show-key' and send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
  ),
  "gate.origin": row(
    [77, 403, -32001],
    "The Host or Origin is not allowed",
    "Use http://127.0.0.1, or add the origin to daemon.cors.allowed_origins.",
  ),
  "door.unknown": row(
    [64, 404, -32601],
    "No such path",
    "MCP is served on /mcp, /sse and /ws; one upstream on /mcp/<upstream>, /sse/<upstream> and /ws/<upstream>.",
  ),
  "door.method": row(
    [64, 405, -32600],
    "The HTTP method is not allowed here",
    "Use POST, GET or DELETE on /mcp.",
  ),
  "door.accept": row(
    [64, 406, -32600],
    "The Accept header fits nothing we send",
    "Send 'Accept: application/json, text/event-stream'.",
  ),
  "door.media": row(
    [64, 415, -32600],
    "The body is not JSON",
    "Send 'Content-Type: application/json'.",
  ),
  "door.version": row(
    [64, 400, -32600],
    "The protocol version is not supported",
    "Send one of the versions named above as MCP-Protocol-Version.",
  ),
  "upstream.unknown": row(
    [66, 404, -32602],
    "Unknown upstream",
    "List the upstreams with 'mcpd servers'.",
  ),
  "upstream.disabled": row(
    [69, 503, -32603],
    "The upstream is disabled",
    "Enable it with 'mcpd servers enable {subject}'.",
  ),
  "upstream.no-directory": row(
    [69, 502, -32603],
    "Cannot start the upstream",
    "Create the directory, or change mcpServers.{subject}.cwd.",
  ),
  "upstream.not-found": row(
    [69, 502, -32603],
    "Cannot start the upstream",
    "Install the command, or name its full path in mcpServers.{subject}.command.",
  ),
  "upstream.failed": row(
    [69, 502, -32603],
    "The upstream does not run",
    "See 'mcpd logs {subject}' for what it printed.",
  ),
  "upstream.start-timeout": row(
    [69, 504, -32603],
    "The upstream did not become ready in time",
    "See 'mcpd logs {subject}'; raise start_timeout_secs if it is only slow.",
  ),
  "upstream.unreachable": row(
    [69, 502, -32603],
    "The upstream cannot be reached",
    "Check mcpServers.{subject}.url and that its server runs; mcpd keeps trying.",
  ),
  "upstream.unauthorized": row(
    [77, 502, -32603],
    "The upstream refuses the credentials",
    "Check mcpServers.{subject}.headers and the secret behind it, then save the config to retry.",
  ),
  "upstream.needs-login": row(
    [77, 502, -32603],
    "The upstream asks for a login",
    "Log in with 'mcpd auth {subject}'.",
  ),
  "upstream.answer-too-large": row(
    [65, 502, -32603],
    "The answer of the upstream is too large",
    "Ask for less, or raise server.max_answer_bytes.",
  ),
  "upstream.lost": row(
    [69, 502, -32603],
    "The upstream went away while it worked on the request",
    "It may or may not have had its effect: check before you repeat it.",
  ),
  "upstream.busy": row(
    [75, 503, -32603],
    "Too many requests wait for the upstream",
    "Wait for answers before sending more.",
  ),
  "upstream.refused": row(
    [1, 502, -32603],
    "The upstream answered with an error",
    "Compare the request with what the upstream documents.",
  ),
  "upstream.broken-answer": row(
    [76, 502, -32603],
    "The upstream broke the protocol",
    "See 'mcpd logs {subject}'; report it to the author of the server.",
  ),
  "envelope.missing": row(
    [65, 400, -32602],
    "The request has no envelope",
    "Send params._meta with the protocol version and the client's capabilities (2026-07-28).",
  ),
  "envelope.header": row(
    [65, 400, -32020],
    "Headers and body disagree",
    "Repeat the body's version, method and name in the headers, as 2026-07-28 says.",
  ),
  "envelope.version": row(
    [65, 400, -32022],
    "The protocol version is not supported",
    "Use one of the versions in data.supported.",
  ),
  "client.incapable": row(
    [69, 400, -32021],
    "The client lacks a capability that the request needs",
    "Declare the capabilities in data.requiredCapabilities.",
  ),
  "exchange.timed-out": row(
    [124, 504, -32001],
    "The request timed out",
    "Raise timeout_secs of the upstream if it is only slow.",
  ),
  "exchange.cancelled": row([130, 499, -32800], "The request was cancelled", ""),
  "port.in-use": row(
    [75, 503, -32603],
    "The port is in use",
    "Stop the other program or set daemon.port; mcpd keeps trying.",
  ),
  "host.unavailable": row(
    [75, 503, -32603],
    "Cannot listen on the host",
    "Check daemon.host: it must be an address of this machine; mcpd keeps trying.",
  ),
  "client.unknown": row(
    [66, 404, -32602],
    "Unknown client",
    "List the clients with 'mcpd clients'.",
  ),
  "client.config": row(
    [65, 500, -32603],
    "The config of a client cannot be used",
    "Mend {subject}, then run the command again; nothing in it was changed.",
  ),
  "client.changed": row(
    [75, 409, -32603],
    "The config of a client changed meanwhile",
    "Close the client, then run the command again; it will start from the new text.",
  ),
  "client.taken": row(
    [73, 409, -32603],
    "The client has a server of that name",
    "Rename or remove {subject} in the client's config, or take it over with 'mcpd import'.",
  ),
  "undo.nothing": row([66, 404, -32602], "There is nothing to undo", "See 'mcpd undo --list'."),
  internal: row(
    [70, 500, -32603],
    "Internal error",
    "Please report this with the lines of 'mcpd logs'.",
  ),
} as const satisfies Record<string, FaultRow>;

export type FaultCode = keyof typeof table;

/** A typed operating error: a value inside the program, rendered only at its edges. */
export type Fault = {
  readonly kind: "fault";
  readonly code: FaultCode;
  /** What failed, colon, the state. No final full stop. */
  readonly text: string;
  /** What the hint is about: an upstream, a path, a command. */
  readonly subject: string;
  /** Machine-readable details for JSON answers. */
  readonly data?: { readonly [key: string]: unknown };
};

export const FAULTS: Readonly<Record<FaultCode, FaultRow>> = table;

/** Builds a fault; `text` defaults to the title of the code. */
export function fault(
  code: FaultCode,
  text: string = FAULTS[code].title,
  subject = "",
  data?: { readonly [key: string]: unknown },
): Fault {
  return { kind: "fault", code, text, subject, ...(data === undefined ? {} : { data }) };
}

export function isFault(value: unknown): value is Fault {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "fault";
}

/** What to do about a fault, as one sentence. */
export function hintOf(problem: Fault): string {
  return FAULTS[problem.code].hint.replaceAll("{subject}", problem.subject).replaceAll("  ", " ");
}

/** What failed and what to do, as sentences in a row. */
export function textWithHint(problem: Fault): string {
  const { text } = problem;
  const hint = hintOf(problem);
  return hint === "" ? text : `${text}${/[.?]$/.test(text) ? "" : "."} ${hint}`;
}

/** Carries a fault through code that can only throw. */
export class FaultError extends Error {
  readonly fault: Fault;
  constructor(problem: Fault) {
    super(problem.text);
    this.name = "FaultError";
    this.fault = problem;
  }
}

function row([exit, http, rpc]: Codes, title: string, hint: string): FaultRow {
  return { exit, http, rpc, title, hint };
}
