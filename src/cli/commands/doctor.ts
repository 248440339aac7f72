import { applyFix, examine } from "../../doctor/examine.ts";
import type { Finding } from "../../doctor/finding.ts";
import { command } from "../command.ts";
import type { GlobalOptions } from "../command.ts";
import { confirmed, expectSomebody } from "../confirm.ts";
import { sceneHere } from "../doctor-scene.ts";
import { findingJson, findingsView, summaryOf, type Treated, treatedView } from "../doctor-view.ts";
import type { Output } from "../output.ts";
import { usage } from "../parse.ts";
import { untilStopped } from "../signals.ts";
import { untilReady } from "../supervised.ts";

/** As shells have it. */
const INTERRUPTED = 130;
const READY_MS = 15_000;

export default command({
  meta: {
    name: "doctor",
    description:
      "Look for what is wrong with service, port, key, config, upstreams, clients and machine, and say " +
      "how to mend it. Exit code 0 when there is nothing to do, 1 when there is.",
  },
  args: {
    fix: { type: "boolean", description: "Do what is safe: rights, leftovers, service, clients" },
    yes: { type: "boolean", alias: "y", description: "With --fix: do not ask" },
  },
  examples: [
    { line: "mcpd doctor", text: "What is wrong?" },
    { line: "mcpd doctor --fix", text: "Mend what is safe to mend, after a question" },
    { line: "mcpd doctor --json", text: "The same for scripts" },
  ],
  async execute({ args, options, output }) {
    if (args.yes && !args.fix) throw usage("--yes needs --fix", "doctor");
    if (args.fix && !args.yes) await expectSomebody(options, "add --yes to --fix", "doctor");
    const abort = new AbortController();
    void untilStopped().then(() => abort.abort());
    const findings = await look(options, output, abort.signal);
    if (abort.signal.aborted) return INTERRUPTED;
    const fixable = findings.filter(({ fix }) => fix !== null);
    if (!args.fix || fixable.length === 0) return tell(findings, [], options, output);
    if (!options.json) output.print(findingsView(findings, output.paint));
    const list = fixable.map(({ fix }) => `\n  ${fix?.text ?? ""}`).join("");
    if (!args.yes && !(await confirmed(`Do this?${list}`))) {
      output.notes.info("Nothing was changed");
      return verdict(findings);
    }
    const treated = await treat(fixable, output, abort.signal);
    // What one fix has mended may have been the cause of more.
    const left = await look(options, output, abort.signal);
    return abort.signal.aborted ? INTERRUPTED : tell(left, treated, options, output);
  },
});

async function look(
  options: GlobalOptions,
  output: Output,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  return await output.busy("Looking", async (spinner) => {
    const scene = await sceneHere(options, signal);
    return await examine(scene, undefined, (left) => spinner.update(`Looking: ${left.join(", ")}`));
  });
}

/** One after another: a client connects to the daemon that was started before. */
async function treat(
  findings: readonly Finding[],
  output: Output,
  signal: AbortSignal,
): Promise<readonly Treated[]> {
  const treated: Treated[] = [];
  for (const finding of findings) {
    if (signal.aborted) break;
    const text = finding.fix?.text ?? "";
    const problem = await output.busy(text, () => applyFix(finding));
    treated.push({ finding, done: problem === null, problem });
  }
  // A service runs before its server serves: that is no finding.
  if (treated.some(({ finding, done }) => done === true && finding.name.startsWith("service."))) {
    await output.busy("Waiting for the daemon", () => untilReady(READY_MS));
  }
  return treated;
}

function tell(
  findings: readonly Finding[],
  treated: readonly Treated[],
  options: GlobalOptions,
  output: Output,
): number {
  if (options.json) {
    output.json({
      findings: findings.map(findingJson),
      fixed: treated.map(({ finding, done, problem }) => {
        const { name, subject, fix } = finding;
        return { name, subject, fix: fix?.text ?? null, done, problem };
      }),
    });
    return verdict(findings);
  }
  for (const one of treated) output.print(treatedView(one, output.paint));
  if (treated.length > 0) output.print("");
  output.print(findingsView(findings, output.paint));
  if (findings.length > 0) output.notes.info(`\n${summaryOf(findings)}`);
  return verdict(findings);
}

function verdict(findings: readonly Finding[]): number {
  return findings.some(({ severity }) => severity !== "info") ? 1 : 0;
}
