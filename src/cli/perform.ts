import type { Fault } from "../core/fault.ts";
import { fault, FaultError, isFault } from "../core/fault.ts";
import { withInstallLock } from "../install/lock.ts";
import type { Machine } from "../install/machine.ts";
import { applySteps, lookOnly, type Step, type StepOutcome } from "../install/steps.ts";
import { orThrow } from "./config-file.ts";
import type { Output } from "./output.ts";

/** The flags that install, upgrade and uninstall have in common. */
export const PREFIX = {
  prefix: {
    type: "string",
    valueHint: "DIR",
    description: "Folder of the programs instead of the usual one",
  },
} as const;

type Context = {
  readonly dryRun: boolean;
  readonly output: Output;
  /** Shown until the first step is. */
  readonly doing: string;
  /** Where a step says how far it is; set while there is something to say it on. */
  readonly progress?: { say: (text: string) => void };
};

export type Performed<P> = {
  readonly plan: P;
  readonly titles: readonly string[];
};

/**
 * Makes a plan and carries it out, alone: nobody else installs meanwhile. With `dryRun` nothing is
 * changed, not even the lock made. Throws the fault of what failed, once it has been taken back.
 */
export async function perform<P extends { readonly steps: readonly Step[] }>(
  machine: Machine,
  plan: () => P | Fault | Promise<P | Fault>,
  context: Context,
): Promise<Performed<P>> {
  const { dryRun, output, doing } = context;
  const { layout, clock } = machine;
  // What cannot be at all is told before there is a lock in somebody's folder.
  const planned = orThrow(await plan());
  const wrong = await output.busy("Looking", () => lookOnly(planned.steps));
  if (wrong !== null) throw new FaultError(wrong);
  if (dryRun) return { plan: planned, titles: changesOf(planned.steps) };
  const done = await output.busy(doing, async (spinner) => {
    const say = (text: string): void => spinner.update(text);
    if (context.progress !== undefined) context.progress.say = say;
    return await withInstallLock(layout.lockFile, clock, async () => {
      // Somebody else may have been at it meanwhile.
      const carriedOut = await plan();
      if (isFault(carriedOut)) return carriedOut;
      try {
        return { carriedOut, outcome: await applyAll(carriedOut.steps, say) };
      } finally {
        machine.endTrial();
      }
    });
  });
  const { carriedOut, outcome } = orThrow(done);
  if (outcome.kind === "failed") throw new FaultError(told(outcome, output));
  return { plan: carriedOut, titles: changesOf(carriedOut.steps) };
}

/** At Ctrl-C, what was done is taken back. */
async function applyAll(
  steps: readonly Step[],
  say: (title: string) => void,
): Promise<StepOutcome> {
  const interrupt = new AbortController();
  const abort = (): void => interrupt.abort();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, abort);
  try {
    return await applySteps(
      steps,
      ({ kind, step }) => say(kind === "undone" ? `Taking back: ${step}` : step),
      interrupt.signal,
    );
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}

function changesOf(steps: readonly Step[]): readonly string[] {
  return steps.map(({ title }) => title);
}

/** Says what was taken back, and gives the fault with all of it for --json. */
function told(outcome: StepOutcome & { kind: "failed" }, output: Output): Fault {
  const { step, undone, stuck } = outcome;
  output.notes.info(`Failed at: ${step}`);
  for (const title of undone) output.notes.info(`Taken back: ${title}`);
  for (const { step: title, why } of stuck) {
    output.notes.warn(`Could not be taken back: ${title}: ${why}`);
  }
  const { code, text, subject, data } = outcome.fault;
  return fault(code, text, subject, { ...data, step, undone, stuck });
}

/** The plan for people: what would be done, in order. */
export function printPlan(output: Output, titles: readonly string[]): void {
  output.print(
    titles.map((title, index) => `${String(index + 1).padStart(2)}. ${title}`).join("\n"),
  );
}
