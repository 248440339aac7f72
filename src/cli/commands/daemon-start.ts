import { command } from "../command.ts";
import { steer } from "../service-steer.ts";

export default command({
  meta: {
    name: "daemon start",
    description: "Start the service; where none is registered, a daemon in the background instead.",
  },
  args: {},
  examples: [{ line: "mcpd daemon start", text: "Start what was stopped" }],
  execute: (context) => steer("start", context),
});
