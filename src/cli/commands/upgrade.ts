import { type Fault, FaultError, isFault } from "../../core/fault.ts";
import type { Machine } from "../../install/machine.ts";
import { readInfo, readInstalled } from "../../install/state.ts";
import type { Step } from "../../install/steps.ts";
import { notInstalled, planUpgrade } from "../../install/upgrade.ts";
import { compareVersions } from "../../install/versions.ts";
import { command } from "../command.ts";
import { orThrow } from "../config-file.ts";
import { machineHere } from "../machine.ts";
import type { Output } from "../output.ts";
import { perform, PREFIX, printPlan } from "../perform.ts";
import { findSource, wishOf } from "../upgrade-source.ts";

export default command({
  meta: {
    name: "upgrade",
    description:
      "Replace the installed copy with a signed release or a file. If it does not come up, the old one is back.",
  },
  args: {
    version: { type: "string", valueHint: "V", description: "This version, not the latest" },
    from: { type: "string", valueHint: "FILE", description: "A downloaded archive or executable" },
    check: { type: "boolean", description: "Only say whether there is a newer version" },
    rollback: { type: "boolean", description: "Go back to the version that was replaced" },
    "allow-downgrade": { type: "boolean", description: "Also when it is an older version" },
    "unsigned-ok": {
      type: "boolean",
      description: "Run the file of --from although nothing proves who made it",
    },
    "dry-run": { type: "boolean", description: "Show what would be done and do nothing" },
    ...PREFIX,
  },
  examples: [
    { line: "mcpd upgrade --check", text: "Is there something newer?" },
    { line: "mcpd upgrade --version 0.2.0", text: "This one" },
    { line: "mcpd upgrade --from ./mcpd-linux-x64.tar.gz", text: "Without a network" },
    { line: "mcpd upgrade --rollback", text: "Back to the one before" },
  ],
  async execute({ args, options, output }) {
    const wish = wishOf(args);
    const { prefix, "dry-run": dryRun } = args;
    const { machine, note } = await machineHere({
      config: options.config,
      prefix,
      service: "usable",
    });
    const info = readInfo(machine.layout);
    if (info === null) throw new FaultError(notInstalled(machine.layout));
    const progress = { say: (_text: string): void => undefined };
    const source = orThrow(
      await output.busy("Looking for the version", () =>
        findSource(machine, wish, (text) => progress.say(text)),
      ),
    );
    const { version } = source;
    const newer = compareVersions(version, info.version) > 0;
    const verdict = { installed: info.version, version, newer };
    const same = version === info.version && !readInstalled(machine.layout).torn;
    if (args.check || same) return tell(output, options.json, verdict);
    const plan = (): { readonly steps: readonly Step[] } | Fault => {
      const steps = planUpgrade(machine, source, args["allow-downgrade"]);
      return isFault(steps) ? steps : { steps };
    };
    const context = { dryRun, output, doing: `Upgrading to mcpd ${version}`, progress };
    const { titles } = await perform(machine, plan, context);
    const notes = note === null ? await notesOn(machine, version) : [note];
    if (options.json) output.json({ ...verdict, dryRun, steps: titles, notes });
    else if (dryRun) printPlan(output, titles);
    else {
      const kept = version === info.version ? "" : `, ${info.version} is kept`;
      if (!options.quiet) output.print(`mcpd ${version} is installed${kept}`);
      for (const text of notes) output.notes.info(text);
      if (source.kind !== "kept") output.notes.info("Undo: mcpd upgrade --rollback");
    }
    return 0;
  },
});

type Verdict = { readonly installed: string; readonly version: string; readonly newer: boolean };

/** The answer where nothing is to be done: also "there is something newer" is no failure. */
function tell(output: Output, json: boolean, verdict: Verdict): number {
  const { installed, version, newer } = verdict;
  if (json) output.json(verdict);
  else if (newer) output.print(`mcpd ${version} is there, ${installed} is installed: mcpd upgrade`);
  else output.print(`mcpd ${installed} is installed, and ${version} is not newer`);
  return 0;
}

async function notesOn(machine: Machine, version: string): Promise<readonly string[]> {
  const running = await machine.daemonVersion();
  if (running === null || running === version) return [];
  return [`mcpd ${running} is running: 'mcpd stop' and 'mcpd start' bring the new one up`];
}
