import { command } from "../command.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { ownBootstrap, startAndTell, tellReady, TIMEOUT } from "../daemon-switch.ts";
import { askBootstrap } from "../here.ts";
import { timeoutMsOf } from "../values.ts";

export default command({
  meta: {
    name: "restart",
    description:
      "End the server in order and start it again; its supervisor stays. Starts the daemon when it is not running.",
  },
  args: TIMEOUT,
  examples: [{ line: "mcpd restart", text: "Start the server and its upstreams afresh" }],
  async execute({ args, options, output }) {
    const timeoutMs = timeoutMsOf(args.timeout, "restart");
    const running = await askBootstrap("mcpd/bootstrap");
    if (running === null || !running.config.enabled) {
      return await startAndTell(args.timeout, { options, output });
    }
    ownBootstrap(running, openConfig(options.config));
    const status = await output.busy("Restarting mcpd", () =>
      askBootstrap("mcpd/restart", timeoutMs),
    );
    if (status === null) return await startAndTell(args.timeout, { options, output });
    tellReady(orThrow(status), true, { options, output });
    return 0;
  },
});
