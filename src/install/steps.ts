import { type Fault, fault, FaultError, isFault } from "../core/fault.ts";
import { errorCode, reasonOf } from "../lib/files.ts";

/** Takes back what a step did. Throws when it cannot. */
export type Undo = () => Promise<void> | void;

/** One thing that is done to the machine, said before it is done. */
export type Step = {
  /** In the imperative, with the path or name it concerns: "Copy mcpd 0.2.0 to /home/...". */
  readonly title: string;
  /** Only looks: --dry-run does it as well. */
  readonly looks?: true;
  /**
   * Does it. Null: there is nothing to take back. A fault or an error: it was not done. Whoever
   * waits for long does so with unlessInterrupted().
   */
  apply(interrupt: AbortSignal): Promise<Undo | null | Fault> | Undo | null | Fault;
};

export type StepOutcome =
  | { readonly kind: "done" }
  /** `undone` and `stuck` name the steps that were, and could not be, taken back. */
  | {
      readonly kind: "failed";
      readonly step: string;
      readonly fault: Fault;
      readonly undone: readonly string[];
      readonly stuck: readonly { readonly step: string; readonly why: string }[];
    };

/** Hears how it goes, for a line or a spinner. */
export type StepListener = (event: {
  readonly kind: "started" | "done" | "failed" | "undone" | "stuck";
  readonly step: string;
}) => void;

/**
 * Does the steps in order. At the first that fails, those before it are taken back, last first, and
 * what could not be taken back is named (MISSION A9). An interrupt counts as a failure of the step
 * it comes in, or of the next one.
 */
export async function applySteps(
  steps: readonly Step[],
  listener: StepListener = () => undefined,
  interrupt: AbortSignal = NEVER,
): Promise<StepOutcome> {
  const done: { readonly title: string; readonly undo: Undo | null }[] = [];
  for (const step of steps) {
    const { title } = step;
    listener({ kind: "started", step: title });
    const found = interrupt.aborted ? INTERRUPTED : await attempt(step, interrupt);
    // A terminal tells our tools as well, and what they say of it is not the reason.
    const result = interrupt.aborted && isFault(found) ? INTERRUPTED : found;
    if (isFault(result)) {
      listener({ kind: "failed", step: title });
      return { kind: "failed", step: title, fault: result, ...(await takeBack(done, listener)) };
    }
    done.push({ title, undo: result });
    listener({ kind: "done", step: title });
  }
  return { kind: "done" };
}

/** The looking steps alone, up to the first that finds something wrong. */
export async function lookOnly(steps: readonly Step[]): Promise<Fault | null> {
  for (const step of steps) {
    if (step.looks !== true) continue;
    const result = await attempt(step, NEVER);
    if (isFault(result)) return result;
  }
  return null;
}

const NEVER = new AbortController().signal;
const INTERRUPTED = fault("exchange.cancelled", "Interrupted");

/** Waits for something that may go on without us, but not past an interrupt. */
export async function unlessInterrupted<T>(
  waited: Promise<T>,
  interrupt: AbortSignal,
): Promise<T | Fault> {
  if (interrupt.aborted) return INTERRUPTED;
  const { promise, resolve } = Promise.withResolvers<Fault>();
  const end = (): void => resolve(INTERRUPTED);
  interrupt.addEventListener("abort", end, { once: true });
  return await Promise.race([waited, promise]).finally(() =>
    interrupt.removeEventListener("abort", end),
  );
}

async function attempt(
  { title, looks, apply }: Step,
  interrupt: AbortSignal,
): Promise<Undo | null | Fault> {
  try {
    const applied = apply(interrupt);
    // What only looks can be left alone in the middle.
    return looks === true
      ? await unlessInterrupted(Promise.resolve(applied), interrupt)
      : await applied;
  } catch (error) {
    return faultOfSystem(error, title);
  }
}

/** Words for what the system refuses. Anything else is a bug and goes on its way. */
export function faultOfSystem(error: unknown, title: string): Fault {
  if (error instanceof FaultError) return error.fault;
  const code = errorCode(error);
  if (code === "") throw error;
  const path = error instanceof Error && "path" in error ? String(error.path) : "";
  const text = `Cannot ${title.slice(0, 1).toLowerCase()}${title.slice(1)}: ${reasonOf(error)}`;
  if (code === "ENOSPC" || code === "EDQUOT") return fault("install.space", text, path);
  return fault("file.failed", text, path === "" ? "the folders named above" : path);
}

async function takeBack(
  done: readonly { readonly title: string; readonly undo: Undo | null }[],
  listener: StepListener,
): Promise<{ undone: string[]; stuck: { step: string; why: string }[] }> {
  const undone: string[] = [];
  const stuck: { step: string; why: string }[] = [];
  for (const { title, undo } of done.toReversed()) {
    if (undo === null) continue;
    try {
      await undo();
      undone.push(title);
      listener({ kind: "undone", step: title });
    } catch (error) {
      stuck.push({ step: title, why: reasonOf(error) });
      listener({ kind: "stuck", step: title });
    }
  }
  return { undone, stuck };
}
