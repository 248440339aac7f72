import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";
import { startAndTell, switchDaemon, TIMEOUT } from "../daemon-switch.ts";

export default command({
  meta: {
    name: "start",
    description:
      "Switch the daemon on (daemon.enabled in the config), start it in the background where no service does, and wait until it serves.",
  },
  args: {
    ...TIMEOUT,
    foreground: { type: "boolean", alias: "f", description: "Supervise in this terminal instead" },
  },
  examples: [
    { line: "mcpd start", text: "Start it" },
    { line: "mcpd start --timeout 60", text: "Wait longer for it" },
  ],
  async execute({ args, options, output }) {
    if (!args.foreground) return await startAndTell(args.timeout, { options, output });
    await switchDaemon(openConfig(options.config), true);
    const { default: bootstrap } = await import("./bootstrap.ts");
    return await bootstrap.execute({ args: { detach: false, service: false }, options, output });
  },
});
