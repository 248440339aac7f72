/** A program and its arguments, as client configs name them. */
export type CommandLine = { readonly command: string; readonly args: readonly string[] };

/** This very program with other words, by its full path: clients have another PATH. */
export function ownCommand(...words: readonly string[]): CommandLine {
  const script = Bun.isStandaloneExecutable ? [] : [Bun.main];
  return { command: process.execPath, args: [...script, ...words] };
}
