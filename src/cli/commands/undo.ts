import { carryOver } from "../../clients/carry.ts";
import { snapshot } from "../../clients/files.ts";
import type { Entry, Refused, Undone } from "../../clients/kept.ts";
import type { Change } from "../../clients/write.ts";
import { type Fault, fault, FaultError, FAULTS, isFault, textWithHint } from "../../core/fault.ts";
import { formatCount } from "../../lib/text.ts";
import { daemonNote } from "../client-change.ts";
import { type ClientContext, clientContext } from "../client-context.ts";
import { masked } from "../client-report.ts";
import { command } from "../command.ts";
import { orThrow } from "../config-file.ts";
import { diff } from "../diff.ts";
import type { Output } from "../output.ts";
import { table } from "../table.ts";

/** The files put back, those put back but for what others changed in them, and the rest. */
type Outcome = {
  readonly restored: readonly string[];
  readonly merged: readonly string[];
  readonly refused: readonly Refused[];
  readonly needed: readonly string[];
  readonly failed: readonly Fault[];
};

export default command({
  meta: {
    name: "undo",
    description:
      "Take back the last setup, import, connect or disconnect: every file as it was, to the byte. " +
      "A file that was changed since is left alone, and its changes are shown.",
  },
  args: {
    id: { type: "positional", required: false, description: "Which one (default: the last)" },
    merge: {
      type: "boolean",
      description: "In files that were changed since, put the servers back and keep the changes",
    },
    list: { type: "boolean", description: "List what can be taken back" },
    "dry-run": { type: "boolean", description: "Show which files it is about and write nothing" },
  },
  examples: [
    { line: "mcpd undo", text: "Take back the last command" },
    { line: "mcpd undo --list", text: "See what can be taken back" },
    { line: "mcpd undo --merge", text: "Also in a config that its client has written since" },
  ],
  async execute({ args, options, output }) {
    const context = clientContext(options, null);
    const entries = context.journal
      .list()
      .filter(({ files }) => files.some(({ undone }) => !undone));
    if (args.list) {
      if (options.json) output.json({ changes: entries.map(listed) });
      else output.print(entries.length === 0 ? "There is nothing to undo" : listing(entries));
      return 0;
    }
    const entry = chosen(entries, args.id);
    const { id, command: words } = entry;
    if (args["dry-run"]) {
      const { files } = listed(entry);
      if (options.json) output.json({ id, command: words, dryRun: true, files });
      else output.print(`Would take back "${words}":\n${files.join("\n")}`);
      return 0;
    }
    const undone = orThrow<Undone>(await context.journal.undo(id));
    const outcome = args.merge
      ? await mergeBack(entry, undone, context)
      : { ...undone, merged: [] };
    const isConfig = [...outcome.restored, ...outcome.merged].includes(context.config.store.path);
    const note = isConfig ? await daemonNote(context, output) : null;
    if (options.json) output.json({ id, command: words, daemon: note, ...shownJson(outcome) });
    else show(words, outcome, note, output);
    const [problem] = outcome.failed;
    if (problem !== undefined) return FAULTS[problem.code].exit;
    return outcome.refused.length > 0 ? FAULTS["client.changed"].exit : 0;
  },
});

function chosen(entries: readonly Entry[], id: string | undefined): Entry {
  const entry = id === undefined ? entries.at(-1) : entries.find((one) => one.id === id);
  if (entry !== undefined) return entry;
  const text = id === undefined ? "There is nothing to undo" : `There is no change "${id}" to undo`;
  throw new FaultError(fault("undo.nothing", text, id ?? ""));
}

/** Files that others changed keep that; only the servers become what they were. */
async function mergeBack(entry: Entry, undone: Undone, context: ClientContext): Promise<Outcome> {
  const failed = [...undone.failed];
  const refused: Refused[] = [];
  const changes = undone.refused.flatMap((file): Change[] => {
    const { path, shapes, before, expected, found } = file;
    const now = snapshot(path);
    if (shapes.length === 0 || isFault(now)) {
      refused.push(file);
      return [];
    }
    const after = carryOver(path, shapes, { from: expected, to: before, now: found });
    if (isFault(after)) failed.push(after);
    return isFault(after) ? [] : [{ before: now, after, mode: 0o600, shapes, required: false }];
  });
  const applied = orThrow(await context.journal.apply(`undo ${entry.command}`, changes));
  await context.journal.settle(entry.id, applied.written);
  failed.push(...applied.failed);
  // Secrets that the config named until now may be needed no more.
  const rest = undone.needed.length === 0 ? null : await context.journal.undo(entry.id);
  const swept = rest === null || isFault(rest) ? undone : rest;
  const restored = [...undone.restored, ...(swept === undone ? [] : swept.restored)];
  return { restored, merged: applied.written, refused, needed: swept.needed, failed };
}

function listed({ id, command: words, at, files }: Entry) {
  const paths = files.filter(({ undone }) => !undone).map(({ path }) => path);
  return { id, command: words, at, files: paths };
}

function listing(entries: readonly Entry[]): string {
  const columns = [
    { title: "ID" },
    { title: "FILES", align: "right" },
    { title: "COMMAND" },
  ] as const;
  const rows = entries.map(listed);
  return table(
    columns,
    rows.map((row) => [row.id, String(row.files.length), row.command]),
  );
}

function shownJson({ restored, merged, refused, needed, failed }: Outcome) {
  return {
    restored,
    merged,
    needed,
    refused: refused.map((file) => ({ path: file.path, diff: changesOf(file) })),
    failed: failed.map(({ code, text }) => ({ code, message: text })),
  };
}

function show(words: string, outcome: Outcome, note: string | null, output: Output): void {
  const { restored, merged, refused, needed, failed } = outcome;
  const count = formatCount(restored.length + merged.length, "file");
  output.print(`Took back "${words}": ${count}`);
  for (const path of restored) output.notes.info(`Restored ${path}`);
  for (const path of merged) output.notes.info(`Put the servers back in ${path}`);
  for (const path of needed) output.notes.info(`Kept ${path}: the config still names it`);
  if (note !== null) output.notes.info(note);
  for (const problem of failed) output.notes.warn(textWithHint(problem));
  for (const file of refused) {
    const text = `${file.path} was changed since and is left alone`;
    const more = "'mcpd undo --merge' would keep these changes";
    output.notes.warn(`${text}; ${more}:\n${changesOf(file)}`);
  }
}

function changesOf({ expected, found }: Refused): string {
  return masked(diff(expected, found), []);
}
