import type { Status, UpstreamStatus } from "../control/api.ts";
import type { BootstrapStatus, SupervisedServer } from "../control/supervision.ts";
import type { Condition } from "../core/condition.ts";
import { formatBytes, formatCount, formatDuration } from "../lib/text.ts";
import { harmless, type Paint, type Style } from "./style.ts";
import { type Column, table } from "./table.ts";

const VERDICT: { readonly [V in Status["verdict"]]: Style } = {
  healthy: "green",
  degraded: "yellow",
  unhealthy: "red",
};

const STATE: { readonly [S in UpstreamStatus["state"]]: Style } = {
  ready: "green",
  idle: "dim",
  disabled: "dim",
  starting: "cyan",
  stopping: "cyan",
  waiting: "yellow",
  failed: "red",
};

/** The status for people: the daemon, its upstreams, and what needs attention. */
export function statusView(
  status: Status,
  paint: Paint,
  width: number | null,
  /** The config that was asked about; null when none was. */
  asked: string | null = null,
): string {
  const parts = [
    header(status, paint, asked),
    upstreamTable(status.upstreams, paint, width),
    ...status.conditions.map((condition) => conditionText(condition, paint)),
  ];
  return parts.join("\n\n");
}

const SERVER: { readonly [S in SupervisedServer["state"]]: { style: Style; words: string } } = {
  disabled: { style: "dim", words: "is disabled" },
  starting: { style: "cyan", words: "is starting" },
  ready: { style: "green", words: "is ready" },
  waiting: { style: "yellow", words: "has ended and is about to be started again" },
  stopping: { style: "cyan", words: "is stopping" },
};

/** What there is to say while there is no server: why, and what keeps it from coming back. */
export function bootstrapView(status: BootstrapStatus, paint: Paint): string {
  const { server, config } = status;
  const { style, words } = SERVER[server.state];
  const again = server.restarts === 0 ? "" : `, restarted ${formatCount(server.restarts, "time")}`;
  const last = server.lastExit === null ? "" : `, the last one ended: ${harmless(server.lastExit)}`;
  const lines = [
    `${paint("bold", `mcpd ${status.version}`)}  the server ${paint(style, words)}${again}${last}`,
    `bootstrap  pid ${status.pid}, ${status.service ? "a service" : "no service"}`,
    `config     ${config.path}`,
  ];
  const conditions = status.conditions.map((condition) => conditionText(condition, paint));
  return [lines.join("\n"), ...conditions].join("\n\n");
}

/** The table of upstreams; memory only where it was measured. */
export function upstreamTable(
  upstreams: readonly UpstreamStatus[],
  paint: Paint,
  width: number | null,
): string {
  const measured = upstreams.some((upstream) => upstream.residentBytes !== null);
  const columns: Column[] = [
    { title: "UPSTREAM" },
    { title: "STATE" },
    { title: "UP", align: "right" },
    { title: "CALLS", align: "right" },
    { title: "ERRORS", align: "right" },
    { title: "TOOLS", align: "right" },
    ...(measured ? [{ title: "MEMORY", align: "right" } as const] : []),
    { title: "REACH" },
  ];
  const rows = upstreams.map((upstream) => [
    upstream.replica === null ? upstream.name : `${upstream.name}#${upstream.replica}`,
    upstream.trusted ? paint(STATE[upstream.state], upstream.state) : paint("red", "untrusted"),
    upstream.upMs === null ? "-" : formatDuration(upstream.upMs),
    String(upstream.calls),
    upstream.errors === 0 ? "0" : paint("red", String(upstream.errors)),
    String(upstream.tools),
    ...(measured
      ? [upstream.residentBytes === null ? "-" : formatBytes(upstream.residentBytes)]
      : []),
    upstream.reach,
  ]);
  return table(columns, rows, width);
}

function header(status: Status, paint: Paint, asked: string | null): string {
  const { urls, config } = status;
  const name = paint("bold", `mcpd ${status.version}`);
  const verdict = paint(VERDICT[status.verdict], status.verdict);
  const up = formatDuration(status.uptimeMs);
  const memory = formatBytes(status.residentBytes);
  const key = status.auth === "api_key" ? "key: mcpd show-key" : "no key needed";
  const path = config.path ?? "built-in defaults";
  const warnings = config.warnings === 0 ? "" : `, ${formatCount(config.warnings, "warning")}`;
  return [
    `${name}  ${verdict}, up ${up}, pid ${status.pid}, ${memory}`,
    `MCP     ${urls === null ? paint("yellow", "not listening") : `${urls.mcp} (${key})`}`,
    ...(urls === null ? [] : [`SSE     ${urls.sse}`]),
    `config  ${path} (revision ${config.revision}${warnings})`,
    ...(asked === null || asked === config.path
      ? []
      : [paint("yellow", `        this daemon runs with that one, not with ${asked}`)]),
    `load    ${[
      formatCount(status.sessions, "session"),
      `${status.inFlight} in flight`,
      formatCount(status.requests, "request"),
      formatCount(status.errors, "error"),
    ].join(", ")}`,
  ].join("\n");
}

function conditionText(condition: Condition, paint: Paint): string {
  const style = { error: "red", warning: "yellow", info: "cyan" } as const;
  const label = paint(style[condition.severity], `${condition.severity}:`);
  const text = harmless(condition.text);
  return `${label} ${text}${condition.hint === "" ? "" : `\n  ${condition.hint}`}`;
}
