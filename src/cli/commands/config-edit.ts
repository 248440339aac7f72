import { fault, FaultError, hintOf, isFault } from "../../core/fault.ts";
import { reasonOf } from "../../lib/files.ts";
import { command } from "../command.ts";
import { applied } from "../config-change.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { canAsk, confirmed } from "../confirm.ts";
import { here } from "../here.ts";
import { usage } from "../parse.ts";
import { STDIN, STDOUT } from "../terminal.ts";

export default command({
  meta: {
    name: "config edit",
    description:
      "Open the config in $VISUAL or $EDITOR, check it afterwards, and let a running daemon apply it.",
  },
  args: {},
  examples: [{ line: "EDITOR='code --wait' mcpd config edit", text: "In an editor with a window" }],
  async execute({ options, output }) {
    const config = openConfig(options.config);
    const { store } = config;
    const words = await editorFor(store.path);
    orThrow(await store.createDefault());
    for (;;) {
      await openEditor(words, store.path);
      const revision = store.load();
      if (!isFault(revision)) break;
      if (options.json || !(await canAsk())) throw new FaultError(revision);
      output.notes.warn(`${revision.text}\n${hintOf(revision)}`);
      if (!(await confirmed("Edit it again?", false))) throw new FaultError(revision);
    }
    const state = await applied(config);
    if (options.json) output.json({ path: store.path, ...state });
    else output.print(`${store.path} is valid`);
    output.notes.info(state.note);
    return 0;
  },
});

/**
 * The editor as words: "code --wait" is a command and its arguments. Whoever has named none gets
 * the system's own, which needs a terminal where it has no window.
 */
async function editorFor(path: string): Promise<readonly string[]> {
  const { VISUAL, EDITOR } = process.env;
  const named = VISUAL?.trim() || EDITOR?.trim();
  if (named) return named.split(/\s+/);
  if (here().name === "windows") return ["notepad"];
  const { isatty } = await import("node:tty");
  if (isatty(STDIN) && isatty(STDOUT)) return ["vi"];
  const text = `Cannot edit ${path}: there is no terminal for vi, and neither VISUAL nor EDITOR is set`;
  throw usage(text, "config edit");
}

/** Runs the editor on the terminal we have. */
async function openEditor(words: readonly string[], path: string): Promise<void> {
  const failed = (why: string): FaultError =>
    new FaultError(fault("file.failed", `Cannot edit ${path}: ${words.join(" ")}: ${why}`, path));
  try {
    const stdio = ["inherit", "inherit", "inherit"] as const;
    const code = await Bun.spawn([...words, path], { stdio: [...stdio] }).exited;
    if (code !== 0) throw failed(`it ended with exit code ${code}`);
  } catch (error) {
    throw error instanceof FaultError ? error : failed(reasonOf(error));
  }
}
