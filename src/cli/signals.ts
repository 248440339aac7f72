/** Resolves at the first request to stop; a second one ends the process at once. */
export function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    });
  }
  return promise;
}

/** A bug ends the program, and with it what it has started: nobody knows what else is wrong. */
export function endOnBugs(program: { crash(bug: unknown): Promise<void> }, exitCode: number): void {
  let ending = false;
  const end = (bug: unknown): void => {
    // The first one says most; others may well follow from it.
    if (ending) return;
    ending = true;
    void program.crash(bug).finally(() => process.exit(exitCode));
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
