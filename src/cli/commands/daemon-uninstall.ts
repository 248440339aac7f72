import { FaultError } from "../../core/fault.ts";
import { command } from "../command.ts";
import { here } from "../here.ts";
import { serviceHere } from "../service.ts";

export default command({
  meta: {
    name: "daemon uninstall",
    description:
      "Stop the service and take it out of the service manager. Program, config and logs stay.",
  },
  args: {},
  examples: [{ line: "mcpd daemon uninstall", text: "mcpd no longer starts when you log in" }],
  async execute({ options, output }) {
    const service = await serviceHere(here());
    const { registered } = await service.state();
    const problem = await output.busy(`Removing ${service.label} from ${service.name}`, () =>
      service.unregister(),
    );
    if (problem !== null) throw new FaultError(problem);
    const { name, label } = service;
    const done = registered ? "is taken out" : "was not registered: there is nothing to take out";
    if (options.json) output.json({ service: name, label, removed: registered });
    else if (!options.quiet) output.print(`${label} ${done}`);
    return 0;
  },
});
