import { existsSync } from "node:fs";

import { type Edit, editText } from "../config/edit.ts";
import { readConfig } from "../config/resolve.ts";
import { refusal } from "../config/store.ts";
import { CONFIG_TEMPLATE } from "../config/template.ts";
import { fault, FaultError, isFault, textWithHint } from "../core/fault.ts";
import { readIfExists } from "../lib/files.ts";
import { maskText } from "../lib/secret.ts";
import type { GlobalOptions } from "./command.ts";
import { type ConfigFile, orThrow } from "./config-file.ts";
import { diff } from "./diff.ts";
import { withDaemon } from "./here.ts";
import type { Output } from "./output.ts";
import { switchedOff } from "./switched-off.ts";

/** The daemon may have to start upstreams before it can answer. */
const APPLY_MS = 60_000;

/** The flag of every command that changes the config. */
export const DRY_RUN = {
  "dry-run": { type: "boolean", description: "Show the change and write nothing" },
} as const;

type Change = {
  readonly edits: readonly Edit[];
  /** What has happened, as a sentence without a full stop. */
  readonly done: string;
  /** The command that takes it back. */
  readonly undo: string;
};

/**
 * Edits the config with its comments kept and lets a running daemon apply it. Throws the fault of
 * an edit that would not be valid, and config.not-applied when the daemon refuses it.
 */
export async function changeConfig(
  config: ConfigFile,
  change: Change,
  context: { readonly dryRun: boolean; readonly options: GlobalOptions; readonly output: Output },
): Promise<number> {
  const { dryRun, options, output } = context;
  const { path } = config.store;
  if (dryRun) {
    const difference = preview(config, change.edits);
    if (options.json) output.json({ path, dryRun, diff: difference });
    else output.print(difference === "" ? "Nothing would change" : difference);
    return 0;
  }
  const revision = orThrow(await config.store.edit(change.edits));
  const state = await output.busy("Waiting for the daemon", () => applied(config));
  if (options.json) {
    output.json({ path, done: change.done, undo: change.undo, ...state });
    return 0;
  }
  if (!options.quiet) output.print(`${change.done} (${path})`);
  for (const { line, text } of revision.warnings) {
    output.notes.warn(line > 0 ? `line ${line}: ${text}` : text);
  }
  output.notes.info(state.note);
  output.notes.info(`Undo: ${change.undo}`);
  return 0;
}

type Applied = { readonly applied: boolean; readonly note: string };

/** Asks a running daemon to apply the file, if it is the daemon's file. */
export async function applied(config: ConfigFile): Promise<Applied> {
  const { path } = config.store;
  const off = switchedOff(config);
  if (off !== null) return { applied: false, note: textWithHint(off) };
  try {
    return await withDaemon(async (daemon) => {
      const status = await daemon.request("mcpd/status", {}, { timeoutMs: APPLY_MS });
      if (status.config.path !== null && status.config.path !== path) {
        const note = `The running daemon uses another config: ${status.config.path}`;
        return { applied: false, note };
      }
      if (!existsSync(path)) {
        const note = "There is no config now: the daemon keeps its servers until 'mcpd stop'";
        return { applied: false, note };
      }
      const answer = await daemon.request("mcpd/apply", {}, { timeoutMs: APPLY_MS });
      if (answer.applied) {
        return { applied: true, note: `The daemon runs with it (revision ${answer.revision})` };
      }
      const why = answer.problem ?? "it gave no reason";
      const text = `The file is changed, but the daemon has not applied it: ${why}`;
      throw new FaultError(fault("config.not-applied", text, path));
    });
  } catch (error) {
    const isDown = error instanceof FaultError && error.fault.code === "daemon.unreachable";
    if (!isDown) throw error;
    return { applied: false, note: "The daemon is not running: it takes effect when it starts" };
  }
}

/** The text of a config file, or what a new one would say; null text when there is none. */
export function configText({ store }: ConfigFile): string | null {
  return readIfExists(store.path);
}

function preview(config: ConfigFile, edits: readonly Edit[]): string {
  const { store, platform } = config;
  const before = configText(config) ?? CONFIG_TEMPLATE;
  const after = orThrow(editText(before, edits));
  const checked = readConfig(after, store.path, platform, 1);
  if (isFault(checked)) {
    throw new FaultError(refusal(checked, readConfig(before, store.path, platform, 1)));
  }
  return maskText(diff(before, after));
}
