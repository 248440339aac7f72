import { fault, FaultError, FAULTS, isFault } from "../../core/fault.ts";
import { daemonNote, warning } from "../client-change.ts";
import { clientContext } from "../client-context.ts";
import { masked } from "../client-report.ts";
import { command } from "../command.ts";
import { diff } from "../diff.ts";
import { table } from "../table.ts";

export default command({
  meta: {
    name: "undo",
    description:
      "Take back the last setup, import, connect or disconnect: every file as it was, to the byte. " +
      "A file that was changed since is left alone, and its changes are shown.",
  },
  args: {
    id: { type: "positional", required: false, description: "Which one (default: the last)" },
    list: { type: "boolean", description: "List what can be taken back" },
    "dry-run": { type: "boolean", description: "Show which files it is about and write nothing" },
  },
  examples: [
    { line: "mcpd undo", text: "Take back the last command" },
    { line: "mcpd undo --list", text: "See what can be taken back" },
  ],
  async execute({ args, options, output }) {
    const context = clientContext(options, null);
    const { journal } = context;
    const entries = journal.list().filter(({ files }) => files.some(({ undone }) => !undone));
    if (args.list) {
      const rows = entries.map(({ id, command: words, at, files }) => {
        return { id, command: words, at, files: files.map(({ path }) => path) };
      });
      if (options.json) output.json({ changes: rows });
      else if (rows.length === 0) output.print("There is nothing to undo");
      else {
        const columns = [{ title: "ID" }, { title: "FILES" }, { title: "COMMAND" }];
        const cells = rows.map((row) => [row.id, String(row.files.length), row.command]);
        output.print(table(columns, cells, await output.width()));
      }
      return 0;
    }
    const entry = args.id === undefined ? entries.at(-1) : entries.find(({ id }) => id === args.id);
    if (entry === undefined) {
      const text =
        args.id === undefined ? "There is nothing to undo" : `There is no change "${args.id}"`;
      throw new FaultError(fault("undo.nothing", text, args.id ?? ""));
    }
    if (args["dry-run"]) {
      const files = entry.files.filter(({ undone }) => !undone).map(({ path }) => path);
      if (options.json) output.json({ id: entry.id, command: entry.command, dryRun: true, files });
      else output.print(`Would take back "${entry.command}":\n${files.join("\n")}`);
      return 0;
    }
    const result = await journal.undo(entry.id);
    if (isFault(result)) throw new FaultError(result);
    const { restored, refused, failed } = result;
    const isConfig = restored.includes(context.config.store.path);
    const note = isConfig ? await daemonNote(context, output) : null;
    const changed = refused.map(({ path, expected, found }) => {
      return { path, diff: masked(diff(expected, found), []) };
    });
    if (options.json) {
      const problems = failed.map(({ code, text }) => ({ code, message: text }));
      output.json({
        id: entry.id,
        command: entry.command,
        restored,
        refused: changed,
        failed: problems,
      });
    } else {
      output.print(`Took back "${entry.command}": ${restored.length} files restored`);
      for (const path of restored) output.notes.info(`Restored ${path}`);
      if (note !== null) output.notes.info(note);
      for (const problem of failed) output.notes.warn(warning(problem));
      for (const file of changed) {
        output.notes.warn(`${file.path} was changed since and is left alone:\n${file.diff}`);
      }
    }
    if (failed[0] !== undefined) return FAULTS[failed[0].code].exit;
    return changed.length > 0 ? FAULTS["client.changed"].exit : 0;
  },
});
