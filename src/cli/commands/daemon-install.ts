import { FaultError, isFault, textWithHint } from "../../core/fault.ts";
import { whyTaken } from "../../install/checks.ts";
import { definitionText } from "../../platform/service-template.ts";
import type { ServiceManager, ServiceSpec } from "../../platform/service.ts";
import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";
import { here } from "../here.ts";
import type { Output } from "../output.ts";
import { usage } from "../parse.ts";
import { serviceView } from "../service-view.ts";
import { serviceHere, serviceSpec, usableService } from "../service.ts";
import { warnWhenOff } from "../switched-off.ts";

export default command({
  meta: {
    name: "daemon install",
    description:
      "Register mcpd with systemd, launchd or Task Scheduler, for your user alone, and start it; again to repair it.",
  },
  args: {
    linger: {
      type: "boolean",
      description: "Linux: keep it running when you log out, and start it at boot",
    },
    "dry-run": { type: "boolean", description: "Show what would be written, and do nothing" },
  },
  examples: [
    { line: "mcpd daemon install", text: "Start mcpd now and at every login" },
    { line: "mcpd daemon install --linger", text: "Also while you are logged out (Linux)" },
    { line: "mcpd daemon install --dry-run", text: "See the unit, property list or task first" },
  ],
  async execute({ args, options, output }) {
    const platform = here();
    const dry = args["dry-run"];
    const service = dry ? await serviceHere(platform) : await usableService(platform);
    if (args.linger && service.lingering === undefined) {
      throw usage(
        `--linger is for systemd: ${service.name} knows nothing like it`,
        "daemon install",
      );
    }
    const { spec, installed } = await output.busy("Asking your login shell for PATH", () =>
      serviceSpec(platform, options.config),
    );
    const taken = await whyTaken(service, spec.program);
    if (taken !== null) throw new FaultError(taken);
    if (!installed) {
      output.notes.warn(
        `${spec.program} is no installed copy: the service ends when it is moved or rebuilt`,
      );
    }
    if (dry) return show(service, spec, output, options.json);
    const problem = await output.busy(`Registering ${service.label} with ${service.name}`, () =>
      service.register(spec),
    );
    if (problem !== null) throw new FaultError(problem);
    const unlingering = args.linger ? ((await service.lingering?.enable()) ?? null) : null;
    // It runs all the same: what is not permitted is told, and can be done later.
    if (unlingering !== null) output.notes.warn(textWithHint(unlingering));
    const state = await service.state();
    if (options.json) output.json({ service: service.name, label: service.label, ...state });
    else if (!options.quiet) output.print(serviceView(service, state, output.paint));
    warnWhenOff(openConfig(options.config), output);
    return 0;
  },
});

function show(service: ServiceManager, spec: ServiceSpec, output: Output, json: boolean): number {
  const definition = service.definition(spec);
  if (isFault(definition)) throw new FaultError(definition);
  const { name, label } = service;
  const text = definitionText(definition.bytes);
  if (json) output.json({ service: name, label, path: definition.path, definition: text });
  else output.print(`Would write ${definition.path}, register and start ${label}:\n\n${text}`);
  return 0;
}
