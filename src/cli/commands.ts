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
  ...inGroup("Daemon", {
    serve: ["Run the daemon in this terminal", () => import("./commands/serve.ts")],
    start: ["Switch the daemon on and wait until it serves", () => import("./commands/start.ts")],
    stop: ["Switch the daemon off and wait until it has gone", () => import("./commands/stop.ts")],
    restart: ["End the server in order and start it again", () => import("./commands/restart.ts")],
    bootstrap: [
      "Keep the daemon running: what the service runs",
      () => import("./commands/bootstrap.ts"),
    ],
    bridge: [
      "Connect a client that can only start a command",
      () => import("./commands/bridge.ts"),
    ],
    status: [
      "Show the daemon, its upstreams and what needs attention",
      () => import("./commands/status.ts"),
    ],
    doctor: [
      "Find what is wrong, say how to mend it, or mend it",
      () => import("./commands/doctor.ts"),
    ],
    health: ["Check over HTTP whether the daemon is healthy", () => import("./commands/health.ts")],
    logs: ["Show the log of the daemon or of an upstream", () => import("./commands/logs.ts")],
    "show-key": [
      "Print the API key that HTTP clients need",
      () => import("./commands/show-key.ts"),
    ],
  }),
  ...inGroup("Service", {
    "daemon install": [
      "Register mcpd as a service of your user and start it",
      () => import("./commands/daemon-install.ts"),
    ],
    "daemon uninstall": [
      "Take the service out again",
      () => import("./commands/daemon-uninstall.ts"),
    ],
    "daemon status": [
      "Show what the service manager says",
      () => import("./commands/daemon-status.ts"),
    ],
    "daemon start": [
      "Start the service, or a daemon in the background",
      () => import("./commands/daemon-start.ts"),
    ],
    "daemon stop": ["Stop the service and all it runs", () => import("./commands/daemon-stop.ts")],
    "daemon restart": [
      "Restart the service and all it runs",
      () => import("./commands/daemon-restart.ts"),
    ],
    "daemon logs": ["Show the log of the bootstrap", () => import("./commands/daemon-logs.ts")],
    "daemon template": [
      "Print the template of the service",
      () => import("./commands/daemon-template.ts"),
    ],
  }),
  ...inGroup("Clients", {
    setup: [
      "Let all MCP clients share their servers through mcpd",
      () => import("./commands/setup.ts"),
    ],
    undo: [
      "Take back the last setup, import, connect or disconnect",
      () => import("./commands/undo.ts"),
    ],
    clients: [
      "List the MCP clients and whether they use mcpd",
      () => import("./commands/clients.ts"),
    ],
    connect: ["Register mcpd in the config of a client", () => import("./commands/connect.ts")],
    disconnect: [
      "Take mcpd out of the config of a client",
      () => import("./commands/disconnect.ts"),
    ],
    import: [
      "Add the servers of a file or a client to the config",
      () => import("./commands/import.ts"),
    ],
    "client-config": [
      "Print what a client's config has to say about mcpd",
      () => import("./commands/client-config.ts"),
    ],
    gateway: [
      "Run a headless client with mcpd as its server",
      () => import("./commands/gateway.ts"),
    ],
  }),
  ...inGroup("Upstreams and tools", {
    "servers list": ["List the upstreams", () => import("./commands/servers-list.ts")],
    "servers add": ["Add an upstream to the config", () => import("./commands/servers-add.ts")],
    "servers remove": [
      "Remove an upstream from the config",
      () => import("./commands/servers-remove.ts"),
    ],
    "servers enable": ["Enable a disabled upstream", () => import("./commands/servers-enable.ts")],
    "servers disable": [
      "Disable an upstream but keep its entry",
      () => import("./commands/servers-disable.ts"),
    ],
    auth: ["Log in at a remote upstream that asks for it", () => import("./commands/auth.ts")],
    tools: ["List or search the tools of all upstreams", () => import("./commands/tools.ts")],
    call: ["Call a tool of an upstream", () => import("./commands/call.ts")],
    "call-tool": ["Call a tool by its name alone", () => import("./commands/call-tool.ts")],
    batch: ["Call many tools at once, from a file", () => import("./commands/batch.ts")],
    resources: [
      "List or search the resources of all upstreams",
      () => import("./commands/resources.ts"),
    ],
    read: ["Read a resource", () => import("./commands/read.ts")],
    prompts: ["List or search the prompts of all upstreams", () => import("./commands/prompts.ts")],
    prompt: ["Print a prompt, filled in", () => import("./commands/prompt.ts")],
    suggest: [
      "Ask what an argument of a prompt or template may be",
      () => import("./commands/suggest.ts"),
    ],
    cache: [
      "Show what is kept of answers, and how often it helped",
      () => import("./commands/cache.ts"),
    ],
    "cache clear": ["Forget kept answers", () => import("./commands/cache-clear.ts")],
  }),
  ...inGroup("Config", {
    "config path": ["Print where the config is", () => import("./commands/config-path.ts")],
    "config show": ["Print the config file", () => import("./commands/config-show.ts")],
    "config explain": [
      "Explain the keys: value, default, meaning",
      () => import("./commands/config-explain.ts"),
    ],
    "config validate": ["Check a config file", () => import("./commands/config-validate.ts")],
    "config schema": [
      "Print the JSON Schema of the config",
      () => import("./commands/config-schema.ts"),
    ],
    "config edit": ["Edit the config and check it", () => import("./commands/config-edit.ts")],
    "config settings": [
      "Print the daemon's settings for the bootstrap",
      () => import("./commands/config-settings.ts"),
      { hidden: true },
    ],
  }),
  ...inGroup("This copy", {
    install: ["Install this executable for your user", () => import("./commands/install.ts")],
    upgrade: [
      "Replace the installed copy with another version",
      () => import("./commands/upgrade.ts"),
      { ownVersion: true },
    ],
    uninstall: ["Remove the installed copy", () => import("./commands/uninstall.ts")],
  }),
  ...inGroup("More", {
    version: ["Print the version", () => import("./commands/version.ts")],
    help: ["Explain a command or a topic", () => import("./commands/help.ts")],
    completions: [
      "Print the completion script of a shell",
      () => import("./commands/completions.ts"),
    ],
    complete: [
      "Print the candidates for a half-typed line",
      () => import("./commands/complete.ts"),
      { hidden: true },
    ],
  }),
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

type Entry = readonly [
  summary: string,
  load: CommandRow["load"],
  more?: Partial<Pick<CommandRow, "hidden" | "ownVersion">>,
];

function inGroup(
  group: Group,
  commands: { readonly [name: string]: Entry },
): readonly CommandRow[] {
  return Object.entries(commands).map(([name, [summary, load, more]]) => {
    return { name, group, summary, load, ...more };
  });
}
