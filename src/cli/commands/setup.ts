import type { Client } from "../../clients/client.ts";
import { writeProblem } from "../../clients/files.ts";
import { type Link, OUR_NAME } from "../../clients/link.ts";
import { type Merged, mergeServers } from "../../clients/merge.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { isConcerned, notStarted } from "../../clients/scan.ts";
import {
  byFile,
  editedInTurn,
  rewritten,
  type Skipped,
  type Survey,
  survey,
  type Takeover,
  vetted,
} from "../../clients/setup.ts";
import type { Change } from "../../clients/write.ts";
import { type Fault, FAULTS, isFault, textWithHint } from "../../core/fault.ts";
import { formatCount } from "../../lib/text.ts";
import { changeFiles } from "../client-change.ts";
import {
  type ClientContext,
  clientContext,
  clientNamed,
  configChanges,
  rulesOf,
} from "../client-context.ts";
import { measure, serversStarted, shownCosts } from "../client-cost.ts";
import { diffsOf, shownDiff } from "../client-report.ts";
import { command } from "../command.ts";
import { DRY_RUN } from "../config-change.ts";
import { confirmed, expectSomebody } from "../confirm.ts";
import type { Output } from "../output.ts";
import { projectOf } from "../project.ts";
import { table } from "../table.ts";
import { entriesOf } from "../upstream-entry.ts";

/** All that setup is about to do. */
type Plan = {
  readonly survey: Survey;
  readonly merged: readonly Merged[];
  readonly changes: readonly Change[];
  readonly skipped: readonly Skipped[];
};

export default command({
  meta: {
    name: "setup",
    description:
      "Find the MCP clients on this machine, move their servers into mcpd, each once, and point " +
      "the clients at mcpd. Shows every change first; 'mcpd undo' takes all of it back.",
  },
  args: {
    clients: {
      type: "positional",
      multiple: true,
      required: false,
      valueHint: "CLIENT",
      description: "Only these clients (default: all that are installed)",
    },
    project: { type: "boolean", description: "The configs of this project as well" },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
    ...DRY_RUN,
  },
  examples: [
    { line: "mcpd setup", text: "Look, choose, confirm" },
    { line: "mcpd setup --dry-run", text: "See every change, secrets blanked" },
    { line: "mcpd setup --yes cursor codex", text: "These two, without a question" },
  ],
  async execute({ args, options, output }) {
    const dryRun = args["dry-run"];
    const isAsked = !args.yes && !dryRun;
    if (isAsked)
      await expectSomebody(options, "add --yes, or --dry-run to see the changes", "setup");
    const context = clientContext(options, args.project ? projectOf(undefined, "setup") : null);
    const named = [...new Set(args.clients.map(clientNamed))];
    const wanted =
      named.length > 0 ? named : CLIENTS.filter((one) => isConcerned(one, context.where));
    const chosen = isAsked ? await choose(wanted) : wanted;
    if (chosen === null) return cancelled(output);
    const plan = await planFor(chosen, context);
    const entries = [...entriesOf(context.config).values(), ...plan.merged.map((one) => one.entry)];
    const before = entries.length === 0 ? null : await measure(context, entries);
    if (!options.json) report(plan, output, await output.width());
    if (!options.json && before !== null) {
      output.print(`${plan.changes.length > 0 ? "Before" : "Now"}: ${shownCosts(before)}`);
    }
    if (isAsked) {
      const secrets = secretsOf(plan);
      const diffs = diffsOf(plan.changes, secrets).map((file) => shownDiff(file, output.paint));
      if (diffs.length > 0) output.print(`${diffs.join("\n\n")}\n`);
      if (
        plan.changes.length > 0 &&
        !(await confirmed(`Change these ${plan.changes.length} files?`))
      )
        return cancelled(output);
    }
    const code = await changeFiles(context, plan.changes, {
      command: "setup",
      dryRun,
      options,
      output,
      secrets: secretsOf(plan),
      done: "The clients use mcpd from their next start on",
      data: { ...dataOf(plan), before },
      after: async () => {
        await output.busy("Waiting for the servers", serversStarted);
        const after = before === null ? null : await measure(context, entries);
        if (after === null) return {};
        if (!options.json) output.print(`Now: ${shownCosts(after)}`);
        if (!options.json && after.clients.processes > 0) {
          output.notes.info(
            "Those in the clients end with them; 'mcpd setup --dry-run' measures again",
          );
        }
        return { after };
      },
    });
    const [problem] = plan.skipped.map((one) => one.problem);
    return code === 0 && problem !== undefined ? FAULTS[problem.code].exit : code;
  },
});

async function planFor(clients: readonly Client[], context: ClientContext): Promise<Plan> {
  const { link, where } = context;
  const found = survey(clients, where, link);
  const skipped = [...found.skipped];
  const takeovers: Takeover[] = [];
  const rewrites: Change[] = [];
  const rules = rulesOf(context);
  const vettedOnes = found.takeovers.map((takeover) => vetted(takeover, rules));
  for (const lists of byFile(vettedOnes, ({ file }) => file)) {
    const changes = rewritesOf(lists, link);
    if (isFault(changes)) {
      for (const { file } of lists) {
        skipped.push({ client: file.client.id, path: file.before.path, problem: changes });
      }
      continue;
    }
    takeovers.push(...lists);
    rewrites.push(...changes.map((change) => ({ ...change, required: false })));
  }
  const servers = takeovers.flatMap((takeover) => takeover.found);
  const merged = mergeServers(entriesOf(context.config), servers, rules);
  // The config comes first: a client must not lose a server that mcpd does not have yet.
  const changes = [...(await configChanges(context, merged)), ...rewrites];
  return { survey: { takeovers, skipped }, merged, changes, skipped };
}

function rewritesOf(lists: readonly Takeover[], link: Link): readonly Change[] | Fault {
  const files = lists.map(({ file }) => file);
  const problem = files[0] === undefined ? null : writeProblem(files[0].before);
  if (problem !== null) return problem;
  return editedInTurn(files, (file, at) => rewritten(file, lists[at]?.found ?? [], link));
}

function report(
  { survey: { takeovers }, merged, skipped }: Plan,
  output: Output,
  width: number | null,
): void {
  const rows = takeovers.map(({ file, found, left }) => [
    file.client.title,
    String(found.length),
    String(left.length),
    file.project === null ? file.before.path : `${file.before.path} for ${file.project}`,
  ]);
  const columns = [
    { title: "CLIENT" },
    { title: "SERVERS", align: "right" },
    { title: "STAY", align: "right" },
    { title: "CONFIG" },
  ] as const;
  if (rows.length > 0) output.print(table(columns, rows, width));
  else output.print("There is no MCP client that could be set up");
  const count = takeovers.reduce((sum, { found }) => sum + found.length, 0);
  const different = count === merged.length ? "" : `, ${merged.length} of them different`;
  if (count > 0) output.print(`${formatCount(count, "server")}${different}`);
  for (const { name, found } of merged) {
    const renamed = found.filter((server) => server.name !== name);
    for (const { source, name: old } of renamed) {
      output.notes.info(`"${old}" of ${source} is called "${name}" in mcpd`);
    }
  }
  for (const { file, left } of takeovers) {
    for (const { name, why } of left) {
      output.notes.info(`"${name}" stays in ${file.client.title}: ${why}`);
    }
    const inVain = notStarted(file, OUR_NAME);
    if (inVain !== null) output.notes.warn(inVain);
  }
  for (const { client, problem } of skipped) {
    output.notes.warn(`${client} is left out: ${textWithHint(problem)}`);
  }
}

function dataOf({ survey: { takeovers }, merged, skipped }: Plan): { [key: string]: unknown } {
  return {
    clients: takeovers.map(({ file, found, left }) => ({
      client: file.client.id,
      path: file.before.path,
      project: file.project,
      servers: found.map(({ name }) => name),
      left,
      notStarted: notStarted(file, OUR_NAME),
    })),
    servers: merged.map(({ name, isNew, found, secrets }) => ({
      name,
      added: isNew,
      secrets: secrets.map(({ file }) => file),
      from: found.map(({ source, name: old }) => ({ client: source, name: old })),
    })),
    skipped: skipped.map(({ client, path, problem }) => ({ client, path, why: problem.text })),
  };
}

function secretsOf({ merged }: Plan): readonly string[] {
  return merged.flatMap(({ secrets }) => secrets.map(({ value }) => value));
}

/** Null: the user wants none of it. The library is loaded for those who are asked only. */
async function choose(clients: readonly Client[]): Promise<readonly Client[] | null> {
  if (clients.length === 0) return clients;
  const { isCancel, multiselect } = await import("@clack/prompts");
  const answer = await multiselect({
    message: "Which clients shall use mcpd?",
    options: clients.map((client) => ({ value: client, label: client.title, hint: client.id })),
    initialValues: [...clients],
    required: false,
  });
  return isCancel(answer) ? null : answer;
}

function cancelled(output: Output): number {
  output.notes.info("Nothing was changed");
  return 0;
}
