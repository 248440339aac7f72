import type { GlobalOptions } from "./command.ts";
import { usage } from "./parse.ts";
import { STDIN, STDOUT } from "./terminal.ts";

/** Whether somebody sees a question and can answer, for certain: isTerminal() is only quicker. */
export async function canAsk(shownOn: number = STDOUT): Promise<boolean> {
  const { isatty } = await import("node:tty");
  return isatty(STDIN) && isatty(shownOn);
}

/** For a command that has to ask: throws the usage fault where nobody can be asked. */
export async function expectSomebody(
  { json }: GlobalOptions,
  instead: string,
  command: string,
): Promise<void> {
  if (json || !(await canAsk())) throw usage(`Nobody can be asked here: ${instead}`, command);
}

/** Asks on the terminal; giving up is a no. `suggested` is what Enter alone says. */
export async function confirmed(message: string, suggested = true): Promise<boolean> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({ message, initialValue: suggested });
  return !isCancel(answer) && answer;
}
