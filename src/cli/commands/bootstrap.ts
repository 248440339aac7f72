import type { RunningBootstrap } from "../../bootstrap/bootstrap.ts";
import { FAULTS } from "../../core/fault.ts";
import { command } from "../command.ts";
import { openConfig, orThrow } from "../config-file.ts";
import type { Output } from "../output.ts";
import { endOnBugs, untilStopped } from "../signals.ts";
import { detachBootstrap, ownProgram } from "../supervised.ts";

export default command({
  meta: {
    name: "bootstrap",
    description:
      "Keep the daemon running as the config says: what the service starts at login. It starts the server, watches it and the config, and answers 'mcpd status' while the server is off. Exit code 0 means that it was told to stop.",
  },
  args: {
    detach: { type: "boolean", alias: "d", description: "Start it in the background and return" },
    service: {
      type: "boolean",
      hidden: true,
      description: "For service managers: 'mcpd stop' leaves it running",
    },
  },
  examples: [
    { line: "mcpd bootstrap", text: "Supervise in this terminal until Ctrl-C" },
    { line: "mcpd bootstrap --detach", text: "The same in the background" },
  ],
  async execute({ args, options, output }) {
    if (args.detach) {
      const said = orThrow(await detachBootstrap(options.config));
      if (options.json) output.json(said);
      else if (!options.quiet)
        output.print(`The bootstrap runs in the background (pid ${said.pid})`);
      return 0;
    }
    const { platform, discovery } = openConfig(options.config);
    const stopping = untilStopped();
    const { startBootstrap } = await import("../../bootstrap/bootstrap.ts");
    const bootstrap = await startBootstrap({
      platform,
      environment: process.env,
      config: discovery,
      program: ownProgram(),
      service: args.service || keptBySystemd(),
      mirrorLog: !options.quiet,
    });
    endOnBugs(bootstrap, FAULTS.internal.exit);
    if (options.json) announce(bootstrap, output);
    await Promise.race([stopping, bootstrap.asked]);
    await bootstrap.stop();
    return 0;
  },
});

/** The variable is also in what a terminal of such a service starts, but with another pid. */
function keptBySystemd(): boolean {
  return process.env["SYSTEMD_EXEC_PID"] === String(process.pid);
}

function announce({ status }: RunningBootstrap, output: Output): void {
  const { pid, version, config } = status;
  output.json({ pid, version, config: config.path, enabled: config.enabled });
}
