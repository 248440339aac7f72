import { discoverConfig } from "../../config/discover.ts";
import { systemClock } from "../../lib/clock.ts";
import { command } from "../command.ts";
import { ANSWER_MS, here, withDaemon } from "../here.ts";
import type { Output } from "../output.ts";
import { statusView } from "../status-view.ts";

const WATCH_MS = 1000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J\u001b[3J";

export default command({
  meta: {
    name: "status",
    description: "Show the daemon, its upstreams and what needs attention.",
  },
  args: {
    watch: { type: "boolean", alias: "w", description: "Show it again every second" },
    memory: { type: "boolean", alias: "m", description: "Measure the memory of each upstream" },
  },
  examples: [
    { line: "mcpd status", text: "Is it running, and what is wrong?" },
    { line: "mcpd status --watch", text: "Watch it until Ctrl-C" },
    { line: "mcpd status --json", text: "The same for scripts" },
  ],
  async execute({ args, options, output }) {
    const measure = args.memory || args.watch;
    const asked = askedConfig(options.config);
    await withDaemon(async (daemon) => {
      for (;;) {
        const params = measure ? { measure } : {};
        const found = await daemon.request("mcpd/status", params, { timeoutMs: ANSWER_MS });
        const status = asked === null ? found : { ...found, config: { ...found.config, asked } };
        if (!options.json) {
          const text = statusView(status, output.paint, await output.width(), asked);
          output.print(args.watch ? frame(text, output) : text);
        } else if (args.watch) {
          // One line per look, so that a reader can tell them apart.
          output.print(JSON.stringify(status));
        } else {
          output.json(status);
        }
        if (!args.watch || output.closed) return;
        await systemClock.sleep(WATCH_MS);
      }
    });
    return 0;
  },
});

/** There is one daemon for each user: the one found may run with another config than --config. */
function askedConfig(flag: string | undefined): string | null {
  if (flag === undefined) return null;
  return discoverConfig({ flag, env: process.env, paths: here().paths }).path;
}

function frame(text: string, output: Output): string {
  return output.interactive ? `${CLEAR_SCREEN}${text}` : `${text}\n`;
}
