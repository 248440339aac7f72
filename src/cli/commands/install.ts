import { planInstall } from "../../install/install.ts";
import { VERSION } from "../../version.ts";
import { command } from "../command.ts";
import { machineHere } from "../machine.ts";
import { perform, PREFIX, printPlan } from "../perform.ts";

export default command({
  meta: {
    name: "install",
    description:
      "Install this executable for your user, with its service. Run again, it repairs; what fails is taken back.",
  },
  args: {
    "dry-run": { type: "boolean", description: "Show what would be done and do nothing" },
    service: {
      type: "boolean",
      default: true,
      description: "Register the service and start it",
      negativeDescription: "Register and start nothing",
    },
    ...PREFIX,
    "modify-path": {
      type: "boolean",
      description: "Add mcpd to PATH in the files of your shell, between markers",
    },
    "allow-downgrade": { type: "boolean", description: "Replace a newer version, too" },
  },
  examples: [
    { line: "mcpd install --dry-run", text: "See every step first" },
    { line: "mcpd install --modify-path", text: "And be found as 'mcpd' in new terminals" },
    { line: "mcpd install --no-service", text: "Only the program; 'mcpd start' starts it" },
  ],
  async execute({ args, options, output }) {
    const { config } = options;
    const { prefix, "dry-run": dryRun } = args;
    const service = args.service ? "usable" : "none";
    const { machine, note } = await machineHere({ config, prefix, service });
    const wish = {
      modifyPath: args["modify-path"],
      allowDowngrade: args["allow-downgrade"],
    };
    const context = { dryRun, output, doing: "Installing" };
    const { plan, titles } = await perform(machine, () => planInstall(machine, wish), context);
    const { program } = machine.layout;
    const before = machine.service === null ? await machine.daemonVersion() : null;
    const trouble = dryRun || machine.service === null ? null : await machine.daemonTrouble();
    const notes = [
      ...plan.notes,
      ...[note, trouble].filter((text) => text !== null),
      ...(before === null || before === VERSION
        ? []
        : [`mcpd ${before} is running: 'mcpd stop' and 'mcpd start' bring the new one up`]),
    ];
    const runs = machine.daemonEnabled() && (machine.service !== null || before !== null);
    const next = runs ? "mcpd status" : "mcpd start";
    if (options.json) {
      output.json({ version: VERSION, program, dryRun, steps: titles, notes, next });
      return 0;
    }
    if (dryRun) {
      printPlan(output, titles);
      return 0;
    }
    if (!options.quiet) output.print(`mcpd ${VERSION} is installed: ${program}`);
    for (const text of notes) output.notes.info(text);
    output.notes.info(`Next: ${next}`);
    return 0;
  },
});
