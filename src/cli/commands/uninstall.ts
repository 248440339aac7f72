import { fault, FaultError } from "../../core/fault.ts";
import { planUninstall } from "../../install/uninstall.ts";
import { command } from "../command.ts";
import { confirmed, expectSomebody } from "../confirm.ts";
import { machineHere } from "../machine.ts";
import { usage } from "../parse.ts";
import { perform, PREFIX, printPlan } from "../perform.ts";

export default command({
  meta: {
    name: "uninstall",
    description:
      "Remove the installed copy and all that runs of it. Config, logs and data stay unless you say otherwise.",
  },
  args: {
    purge: { type: "boolean", description: "Remove config, key, logs and data as well" },
    keep: { type: "boolean", description: "Keep config, key, logs and data, without a question" },
    yes: { type: "boolean", alias: "y", description: "Ask nothing" },
    "dry-run": { type: "boolean", description: "Show what would be done and do nothing" },
    ...PREFIX,
  },
  examples: [
    { line: "mcpd uninstall --dry-run", text: "See every step first" },
    { line: "mcpd uninstall --keep", text: "Keep the config for another time" },
    { line: "mcpd uninstall --purge --yes", text: "Leave nothing, ask nothing" },
  ],
  async execute({ args, options, output }) {
    const { keep, yes, prefix, "dry-run": dryRun } = args;
    if (args.purge && keep) throw usage("--purge and --keep exclude each other", "uninstall");
    const asks = !yes && !dryRun;
    if (asks)
      await expectSomebody(options, "add --yes, or --dry-run to see the steps", "uninstall");
    const { machine } = await machineHere({
      config: options.config,
      prefix,
      service: "registered",
    });
    const { layout, paths } = machine;
    if (asks && !(await confirmed(`Remove mcpd from ${layout.root}?`, false))) {
      throw new FaultError(fault("exchange.cancelled", "Nothing has been removed"));
    }
    const purge =
      args.purge ||
      (asks && !keep && (await confirmed(`Remove ${paths.configDir} and logs too?`, false)));
    const context = { dryRun, output, doing: "Removing" };
    const { plan, titles } = await perform(machine, () => planUninstall(machine, purge), context);
    if (options.json)
      output.json({ root: layout.root, purge, dryRun, steps: titles, notes: plan.notes });
    else if (dryRun) printPlan(output, titles);
    else {
      if (!options.quiet) output.print(`mcpd is removed from ${layout.root}`);
      for (const text of plan.notes) output.notes.info(text);
    }
    return 0;
  },
});
