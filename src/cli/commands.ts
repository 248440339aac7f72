import type { Command } from "./command.ts";

export type Group =
  "Daemon" | "Service" | "Clients" | "Upstreams and tools" | "Config" | "This copy" | "More";

export const GROUPS: readonly Group[] = [
  "Daemon",
  "Service",
  "Clients",
  "Upstreams and tools",
  "Config",
  "This copy",
  "More",
];

/** One row of the table: what help needs without loading the command, and how to load it. */
export type CommandRow = {
  /** As typed: one word, or two for a command of a family. */
  readonly name: string;
  readonly group: Group;
  readonly summary: string;
  /** Not shown in help, not completed. */
  readonly hidden?: boolean;
  /** Its --version takes a value, and does not ask for ours. */
  readonly ownVersion?: boolean;
  readonly load: () => Promise<{ readonly default: Command }>;
};

/** Every command. Help, completions and the runner are made from it. */
export const COMMANDS: readonly CommandRow[] = [
  row("serve", "Daemon", "Run the daemon in this terminal", () => import("./commands/serve.ts")),
  row(
    "start",
    "Daemon",
    "Switch the daemon on and wait until it serves",
    () => import("./commands/start.ts"),
  ),
  row(
    "stop",
    "Daemon",
    "Switch the daemon off and wait until it has gone",
    () => import("./commands/stop.ts"),
  ),
  row(
    "restart",
    "Daemon",
    "End the server in order and start it again",
    () => import("./commands/restart.ts"),
  ),
  row(
    "bootstrap",
    "Daemon",
    "Keep the daemon running: what the service runs",
    () => import("./commands/bootstrap.ts"),
  ),
  row(
    "bridge",
    "Daemon",
    "Connect a client that can only start a command",
    () => import("./commands/bridge.ts"),
  ),
  row(
    "status",
    "Daemon",
    "Show the daemon, its upstreams and what needs attention",
    () => import("./commands/status.ts"),
  ),
  row(
    "health",
    "Daemon",
    "Check over HTTP whether the daemon is healthy",
    () => import("./commands/health.ts"),
  ),
  row(
    "logs",
    "Daemon",
    "Show the log of the daemon or of an upstream",
    () => import("./commands/logs.ts"),
  ),
  row(
    "show-key",
    "Daemon",
    "Print the API key that HTTP clients need",
    () => import("./commands/show-key.ts"),
  ),
  row(
    "daemon install",
    "Service",
    "Register mcpd as a service of your user and start it",
    () => import("./commands/daemon-install.ts"),
  ),
  row(
    "daemon uninstall",
    "Service",
    "Take the service out again",
    () => import("./commands/daemon-uninstall.ts"),
  ),
  row(
    "daemon status",
    "Service",
    "Show what the service manager says",
    () => import("./commands/daemon-status.ts"),
  ),
  row(
    "daemon start",
    "Service",
    "Start the service, or a daemon in the background",
    () => import("./commands/daemon-start.ts"),
  ),
  row(
    "daemon stop",
    "Service",
    "Stop the service and all it runs",
    () => import("./commands/daemon-stop.ts"),
  ),
  row(
    "daemon restart",
    "Service",
    "Restart the service and all it runs",
    () => import("./commands/daemon-restart.ts"),
  ),
  row(
    "daemon logs",
    "Service",
    "Show the log of the bootstrap",
    () => import("./commands/daemon-logs.ts"),
  ),
  row(
    "daemon template",
    "Service",
    "Print the template of the service",
    () => import("./commands/daemon-template.ts"),
  ),
  row(
    "setup",
    "Clients",
    "Let all MCP clients share their servers through mcpd",
    () => import("./commands/setup.ts"),
  ),
  row(
    "undo",
    "Clients",
    "Take back the last setup, import, connect or disconnect",
    () => import("./commands/undo.ts"),
  ),
  row(
    "clients",
    "Clients",
    "List the MCP clients and whether they use mcpd",
    () => import("./commands/clients.ts"),
  ),
  row(
    "connect",
    "Clients",
    "Register mcpd in the config of a client",
    () => import("./commands/connect.ts"),
  ),
  row(
    "disconnect",
    "Clients",
    "Take mcpd out of the config of a client",
    () => import("./commands/disconnect.ts"),
  ),
  row(
    "import",
    "Clients",
    "Add the servers of a file or a client to the config",
    () => import("./commands/import.ts"),
  ),
  row(
    "servers list",
    "Upstreams and tools",
    "List the upstreams",
    () => import("./commands/servers-list.ts"),
  ),
  row(
    "servers add",
    "Upstreams and tools",
    "Add an upstream to the config",
    () => import("./commands/servers-add.ts"),
  ),
  row(
    "servers remove",
    "Upstreams and tools",
    "Remove an upstream from the config",
    () => import("./commands/servers-remove.ts"),
  ),
  row(
    "servers enable",
    "Upstreams and tools",
    "Enable a disabled upstream",
    () => import("./commands/servers-enable.ts"),
  ),
  row(
    "servers disable",
    "Upstreams and tools",
    "Disable an upstream but keep its entry",
    () => import("./commands/servers-disable.ts"),
  ),
  row(
    "auth",
    "Upstreams and tools",
    "Log in at a remote upstream that asks for it",
    () => import("./commands/auth.ts"),
  ),
  row(
    "tools",
    "Upstreams and tools",
    "List or search the tools of all upstreams",
    () => import("./commands/tools.ts"),
  ),
  row(
    "call",
    "Upstreams and tools",
    "Call a tool of an upstream",
    () => import("./commands/call.ts"),
  ),
  row(
    "call-tool",
    "Upstreams and tools",
    "Call a tool by its name alone",
    () => import("./commands/call-tool.ts"),
  ),
  row(
    "cache",
    "Upstreams and tools",
    "Show what is kept of answers, and how often it helped",
    () => import("./commands/cache.ts"),
  ),
  row(
    "cache clear",
    "Upstreams and tools",
    "Forget kept answers",
    () => import("./commands/cache-clear.ts"),
  ),
  row(
    "config path",
    "Config",
    "Print where the config is",
    () => import("./commands/config-path.ts"),
  ),
  row("config show", "Config", "Print the config file", () => import("./commands/config-show.ts")),
  row(
    "config explain",
    "Config",
    "Explain the keys: value, default, meaning",
    () => import("./commands/config-explain.ts"),
  ),
  row(
    "config validate",
    "Config",
    "Check a config file",
    () => import("./commands/config-validate.ts"),
  ),
  row(
    "config schema",
    "Config",
    "Print the JSON Schema of the config",
    () => import("./commands/config-schema.ts"),
  ),
  row(
    "config edit",
    "Config",
    "Edit the config and check it",
    () => import("./commands/config-edit.ts"),
  ),
  row(
    "install",
    "This copy",
    "Install this executable for your user",
    () => import("./commands/install.ts"),
  ),
  {
    ...row(
      "upgrade",
      "This copy",
      "Replace the installed copy with another version",
      () => import("./commands/upgrade.ts"),
    ),
    ownVersion: true,
  },
  row(
    "uninstall",
    "This copy",
    "Remove the installed copy",
    () => import("./commands/uninstall.ts"),
  ),
  row("version", "More", "Print the version", () => import("./commands/version.ts")),
  row("help", "More", "Explain a command or a topic", () => import("./commands/help.ts")),
  row(
    "completions",
    "More",
    "Print the completion script of a shell",
    () => import("./commands/completions.ts"),
  ),
  {
    ...row(
      "config settings",
      "Config",
      "Print the daemon's settings for the bootstrap",
      () => import("./commands/config-settings.ts"),
    ),
    hidden: true,
  },
  {
    ...row(
      "complete",
      "More",
      "Print the candidates for a half-typed line",
      () => import("./commands/complete.ts"),
    ),
    hidden: true,
  },
];

/** What a family of commands does when it is named alone: its most harmless member, or help. */
export const FAMILY_DEFAULTS: { readonly [family: string]: string } = { servers: "servers list" };

export function findCommand(name: string): CommandRow | undefined {
  return COMMANDS.find((candidate) => candidate.name === name);
}

/** The commands whose name begins with these words. */
export function familyOf(words: string): readonly CommandRow[] {
  return COMMANDS.filter((candidate) => candidate.name.startsWith(`${words} `));
}

function row(name: string, group: Group, summary: string, load: CommandRow["load"]): CommandRow {
  return { name, group, summary, load };
}
