import { textWithHint } from "../../core/fault.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { serviceView } from "../service-view.ts";
import { bootstrapDoor, serviceHere } from "../service.ts";

export default command({
  meta: {
    name: "daemon status",
    description:
      "Show what the service manager says about mcpd. Exit code 0 when it runs, 1 when it does not.",
  },
  args: {},
  examples: [
    { line: "mcpd daemon status", text: "Does it start at login, does it run?" },
    { line: "mcpd status", text: "What the daemon itself says, with its upstreams" },
  ],
  async execute({ options, output }) {
    const platform = here();
    const service = await serviceHere(platform);
    const problem = await service.unavailable();
    const state = await service.state();
    // Without a service, it may have been started in the background.
    const pid = state.pid ?? (await bootstrapDoor(platform).pid());
    const { name, label } = service;
    const unavailable = problem === null ? null : problem.text;
    if (options.json) {
      output.json({ service: name, label, unavailable, ...state, bootstrapPid: pid });
    } else {
      output.print(serviceView(service, state, output.paint));
      if (problem !== null) output.notes.warn(textWithHint(problem));
      else if (!state.registered) output.notes.info("Register it with 'mcpd daemon install'");
      if (!state.running && pid !== null) {
        output.notes.info(`A bootstrap runs in the background (pid ${pid}), not as a service`);
      }
    }
    return pid === null ? 1 : 0;
  },
});
