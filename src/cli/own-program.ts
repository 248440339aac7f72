/** The words that run this very program again, by its full path: clients have another PATH. */
export function ownProgram(): readonly [command: string, ...args: string[]] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}
