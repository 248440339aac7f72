import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";
import { startAndTell, switchOn, TIMEOUT } from "../daemon-switch.ts";
import { wholeNumber } from "../values.ts";

export default command({
  meta: {
    name: "start",
    description:
      "Switch the daemon on (daemon.enabled in the config), start it in the background where no service does, and wait until it serves.",
  },
  args: {
    ...TIMEOUT,
    port: {
      type: "string",
      alias: "p",
      valueHint: "N",
      description: "Write this port to the config",
    },
    foreground: { type: "boolean", alias: "f", description: "Supervise in this terminal instead" },
  },
  examples: [
    { line: "mcpd start", text: "Start it" },
    { line: "mcpd start --port 8400", text: "From now on on this port" },
    { line: "mcpd start --timeout 60", text: "Wait longer for it" },
  ],
  async execute({ args, options, output }) {
    const bounds = { min: 1024, max: 65_535 };
    const port = args.port === undefined ? null : wholeNumber(args.port, "--port", bounds, "start");
    if (!args.foreground) return await startAndTell(args.timeout, { options, output }, port);
    await switchOn(openConfig(options.config), port, output);
    const { default: bootstrap } = await import("./bootstrap.ts");
    return await bootstrap.execute({ args: { detach: false, service: false }, options, output });
  },
});
