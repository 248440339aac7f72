import { systemClock } from "../../lib/clock.ts";
import { command } from "../command.ts";
import { ANSWER_MS, withDaemon } from "../here.ts";
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
    await withDaemon(async (daemon) => {
      for (;;) {
        const params = measure ? { measure } : {};
        const status = await daemon.request("mcpd/status", params, { timeoutMs: ANSWER_MS });
        if (!options.json) {
          const text = statusView(status, output.paint, await output.width());
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

function frame(text: string, output: Output): string {
  return output.interactive ? `${CLEAR_SCREEN}${text}` : `${text}\n`;
}
