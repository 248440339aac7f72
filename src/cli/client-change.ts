import type { Change } from "../clients/write.ts";
import { FaultError, FAULTS, textWithHint } from "../core/fault.ts";
import type { ClientContext } from "./client-context.ts";
import { diffsOf, shownDiff } from "./client-report.ts";
import type { GlobalOptions } from "./command.ts";
import { applied } from "./config-change.ts";
import { orThrow } from "./config-file.ts";
import type { Output } from "./output.ts";
import { switchedOff } from "./switched-off.ts";

type How = {
  readonly command: string;
  readonly dryRun: boolean;
  readonly options: GlobalOptions;
  readonly output: Output;
  /** Values that are never shown. */
  readonly secrets?: readonly string[];
  /** What has happened, as a sentence without a full stop. */
  readonly done: string;
  /** More for --json. */
  readonly data?: { readonly [key: string]: unknown };
  /** What there is to say, and to add for --json, when it is done. */
  readonly after?: () => Promise<{ readonly [key: string]: unknown }>;
};

/**
 * Shows what would change, or changes it and says how to take it back. Returns the exit code: that
 * of the first file that could not be written.
 */
export async function changeFiles(
  context: ClientContext,
  changes: readonly Change[],
  how: How,
): Promise<number> {
  const { options, output, dryRun, secrets = [], data = {} } = how;
  const files = diffsOf(changes, secrets);
  const off = switchedOff(context.config);
  if (dryRun || changes.length === 0) {
    if (options.json) output.json({ ...data, dryRun, files });
    else if (files.length === 0) output.print("Nothing is to be changed");
    else output.print(files.map((file) => shownDiff(file, output.paint)).join("\n\n"));
    if (off !== null) output.notes.info(textWithHint(off));
    return 0;
  }
  const result = orThrow(await context.journal.apply(how.command, changes));
  const configured = changes.some(({ before }) => before.path === context.config.store.path);
  const note = configured || off !== null ? await daemonNote(context, output) : null;
  const { id, written, failed } = result;
  if (options.json) {
    const problems = failed.map(({ code, text, subject }) => ({
      code,
      message: text,
      path: subject,
    }));
    const more = (await how.after?.()) ?? {};
    output.json({ ...data, undo: id, files: written, failed: problems, daemon: note, ...more });
  } else {
    if (written.length > 0 && !options.quiet) output.print(how.done);
    for (const path of written) output.notes.info(`Wrote ${path}`);
    if (note !== null) output.notes.info(note);
    if (id !== null) output.notes.info(`Undo: mcpd undo ${id}`);
    for (const problem of failed) output.notes.warn(textWithHint(problem));
    await how.after?.();
  }
  return failed[0] === undefined ? 0 : FAULTS[failed[0].code].exit;
}

/** Lets a running daemon take the config; that it refuses does not undo the files. */
export async function daemonNote({ config }: ClientContext, output: Output): Promise<string> {
  try {
    return (await output.busy("Waiting for the daemon", () => applied(config))).note;
  } catch (error) {
    if (error instanceof FaultError) return error.fault.text;
    throw error;
  }
}
