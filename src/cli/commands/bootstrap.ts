import type { RunningBootstrap } from "../../bootstrap/bootstrap.ts";
import { discoverConfig } from "../../config/discover.ts";
import { FaultError, FAULTS, isFault } from "../../core/fault.ts";
import type { Mirror } from "../../lib/logger.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import type { Output } from "../output.ts";
import { ownProgram } from "../own-program.ts";
import { endOnBugs, untilStopped } from "../signals.ts";

export default command({
  meta: {
    name: "bootstrap",
    description:
      "Keep the daemon running as the config says: what the service starts at login. " +
      "It starts the server, watches it and the config, and answers 'mcpd status' while the " +
      "server is off. Exit code 0 means that it was told to stop.",
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
      const { bootstrapCommand } = await import("../supervised.ts");
      const { detachBootstrap } = await import("../detached-bootstrap.ts");
      const said = await detachBootstrap(here(), bootstrapCommand(options.config));
      if (isFault(said)) throw new FaultError(said);
      if (options.json) output.json(said);
      else if (!options.quiet)
        output.print(`The bootstrap runs in the background (pid ${said.pid})`);
      return 0;
    }
    const platform = here();
    const config = discoverConfig({
      flag: options.config,
      env: process.env,
      paths: platform.paths,
    });
    const stopping = untilStopped();
    const { startBootstrap } = await import("../../bootstrap/bootstrap.ts");
    const bootstrap = await startBootstrap({
      platform,
      environment: process.env,
      config,
      program: ownProgram(),
      service: args.service || keptBySystemd(),
      mirror: options.quiet ? null : await mirror(),
    });
    endOnBugs(bootstrap, FAULTS.internal.exit);
    if (options.json) announce(bootstrap, output);
    await Promise.race([stopping, bootstrap.asked]);
    await bootstrap.stop();
    return 0;
  },
});

async function mirror(): Promise<Mirror> {
  const { stderrMirror } = await import("../../lib/mirror.ts");
  return stderrMirror(process.env);
}

/** The variable is also in what a terminal of such a service starts, but with another pid. */
function keptBySystemd(): boolean {
  return process.env["SYSTEMD_EXEC_PID"] === String(process.pid);
}

function announce({ status }: RunningBootstrap, output: Output): void {
  const { pid, version, config } = status;
  output.json({ pid, version, config: config.path, enabled: config.enabled });
}
