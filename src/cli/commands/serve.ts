import { isAbsolute, relative } from "node:path";

import { FaultError, FAULTS } from "../../core/fault.ts";
import type { RunningServer } from "../../server/server.ts";
import { ownStreams } from "../../transport/stdio-server.ts";
import { BootstrapChannel } from "../bootstrap-channel.ts";
import { command, type GlobalOptions } from "../command.ts";
import { openConfig } from "../config-file.ts";
import type { Output } from "../output.ts";
import { usage } from "../parse.ts";
import { projectOf } from "../project.ts";
import { endOnBugs, untilStopped } from "../signals.ts";
import { warnWhenOff } from "../switched-off.ts";
import { wholeNumber } from "../values.ts";

export default command({
  meta: {
    name: "serve",
    description:
      "Run the daemon in this terminal until Ctrl-C. It starts the MCP servers of the config once and shares them with every client.",
  },
  args: {
    stdio: {
      type: "boolean",
      description:
        "Be an MCP server on standard input and output, for one client, without a daemon",
    },
    foreground: { type: "boolean", description: "Stay in the foreground, as it does by default" },
    supervised: {
      type: "boolean",
      hidden: true,
      description: "For 'mcpd bootstrap': be steered over its IPC channel",
    },
    port: {
      type: "string",
      alias: "p",
      valueHint: "N",
      description: "Port instead of the config's",
    },
  },
  examples: [
    { line: "mcpd serve --foreground", text: "Run it and see its log" },
    { line: "mcpd serve --stdio", text: "All servers of the config behind one command" },
    { line: "mcpd serve --port 8400 --config ./mcpd.json", text: "Try another config" },
  ],
  async execute({ args, options, output }) {
    if (args.stdio && args.port !== undefined) {
      throw usage("--stdio has no port: leave --port out", "serve");
    }
    const port =
      args.port === undefined
        ? null
        : wholeNumber(args.port, "--port", { min: 0, max: 65_535 }, "serve");
    // Ports below 1024 need rights that mcpd never asks for; 0 takes any free one.
    const config = openConfig(options.config);
    const { platform, discovery } = config;
    const bootstrap = args.supervised ? new BootstrapChannel() : null;
    const stopping = bootstrap?.stopping ?? untilStopped();
    const { startServer } = await import("../../server/server.ts");
    const server = await startServer({
      platform,
      environment: process.env,
      config: discovery,
      port,
      mirrorLog: !options.quiet && bootstrap === null,
      alone: args.stdio,
      supervised: bootstrap !== null,
    }).catch((error: unknown) => {
      if (error instanceof FaultError) bootstrap?.failed(error.fault);
      throw error;
    });
    endOnBugs(server, FAULTS.internal.exit);
    // From here on the same code runs for days: see jitPolicy in build/compile.ts.
    Bun.unsafe.setJITPolicy(1);
    if (bootstrap !== null) {
      bootstrap.serves(server);
      await stopping;
    } else if (args.stdio) {
      await Promise.race([server.speak(ownStreams(), projectOf(undefined, "serve")), stopping]);
    } else {
      announce(server, options, output);
      warnWhenOff(config, output);
      await stopping;
    }
    await server.stop();
    return 0;
  },
});

/** What to type in another terminal to reach this very program. */
function ownName(): string {
  const path = process.execPath;
  if (!Bun.isStandaloneExecutable || Bun.which("mcpd") === path) return "mcpd";
  const near = relative(process.cwd(), path);
  const short = near.startsWith("..") || isAbsolute(near) ? path : near;
  return /\s/.test(short) ? `"${short}"` : short;
}

function announce(server: RunningServer, options: GlobalOptions, output: Output): void {
  const { urls, revision } = server;
  if (options.json) {
    output.json({ pid: process.pid, urls, config: revision.path, revision: revision.number });
    return;
  }
  if (options.quiet) return;
  const mcp = urls?.mcp ?? "";
  const self = ownName();
  const header = ` --header "X-API-Key: $(${self} show-key)"`;
  const key = revision.daemon.auth === "none" ? "" : header;
  const addresses = [
    `  MCP     ${mcp}`,
    `  SSE     ${urls?.sse ?? ""}`,
    `  health  ${urls?.health ?? ""}`,
  ];
  output.print(
    [
      `mcpd is running with ${output.paint("bold", revision.path ?? "built-in defaults")}`,
      ...(urls === null ? [`  not listening yet: see '${self} status'`] : addresses),
      ...(urls === null ? [] : ["", `Connect:  claude mcp add --transport http mcpd ${mcp}${key}`]),
      `Look:     ${self} status, ${self} tools (in another terminal)`,
      "Stop:     Ctrl-C",
    ].join("\n"),
  );
}
