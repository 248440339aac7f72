import { command } from "../command.ts";
import { steer } from "../service-steer.ts";

export default command({
  meta: {
    name: "daemon stop",
    description:
      "Stop the service, its server and all upstreams, in order, until it is started or you log in again.",
  },
  args: {},
  examples: [{ line: "mcpd daemon stop", text: "Stop it for now" }],
  execute: (context) => steer("stop", context),
});
