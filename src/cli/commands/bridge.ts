import { Bridge } from "../../bridge/bridge.ts";
import { systemClock } from "../../lib/clock.ts";
import { ownStreams } from "../../transport/stdio-server.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { projectOf } from "../project.ts";
import { STDERR, writeAll } from "../terminal.ts";

export default command({
  meta: {
    name: "bridge",
    description:
      "Speak MCP on standard input and output, for clients that can only start a command. " +
      "It starts the daemon when none runs, and outlives its restarts.",
  },
  args: {
    server: {
      type: "string",
      alias: "s",
      valueHint: "NAME",
      description: "One upstream, its names untouched, instead of all",
    },
    project: {
      type: "string",
      valueHint: "DIR",
      description: "Directory that upstreams of scope project work on (default: this one)",
    },
  },
  examples: [
    { line: "mcpd bridge", text: "All upstreams, for the project of this directory" },
    { line: "mcpd bridge --server github", text: "One upstream as if it was started directly" },
    {
      line: '{ "mcpServers": { "mcpd": { "command": "mcpd", "args": ["bridge"] } } }',
      text: "Claude Desktop: in claude_desktop_config.json, with the full path of mcpd",
    },
  ],
  async execute({ args, options }) {
    const platform = here();
    const project = projectOf(args.project, "bridge");
    const bridge = new Bridge({
      address: platform.paths.controlAddress,
      attachment: {
        ...(args.server === undefined ? {} : { upstream: args.server }),
        ...(project === null ? {} : { project }),
      },
      streams: ownStreams(),
      // Only a bridge that finds no daemon has to know the config.
      startDaemon: async () => (await import("../daemon-start.ts")).startDaemon(options.config),
      say(text) {
        if (!options.quiet) writeAll(STDERR, `mcpd bridge: ${text}\n`);
      },
      clock: systemClock,
      random: Math.random,
    });
    await bridge.run();
    return 0;
  },
});
