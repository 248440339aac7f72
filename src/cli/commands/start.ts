import { command } from "../command.ts";
import { startAndTell, TIMEOUT } from "../daemon-switch.ts";

export default command({
  meta: {
    name: "start",
    description:
      "Switch the daemon on (daemon.enabled in the config), start it in the background where no service does, and wait until it serves.",
  },
  args: TIMEOUT,
  examples: [
    { line: "mcpd start", text: "Start it" },
    { line: "mcpd start --timeout 60", text: "Wait longer for it" },
  ],
  execute: ({ args, options, output }) => startAndTell(args.timeout, { options, output }),
});
