/** Asks on the terminal; giving up is a no. `suggested` is what Enter alone says. */
export async function confirmed(message: string, suggested = true): Promise<boolean> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({ message, initialValue: suggested });
  return !isCancel(answer) && answer;
}
