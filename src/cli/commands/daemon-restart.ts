import { command } from "../command.ts";
import { steer } from "../service-steer.ts";

export default command({
  meta: {
    name: "daemon restart",
    description:
      "Restart the service: bootstrap, server, upstreams. 'mcpd restart' is for the server alone.",
  },
  args: {},
  examples: [{ line: "mcpd daemon restart", text: "Begin afresh" }],
  execute: (context) => steer("restart", context),
});
