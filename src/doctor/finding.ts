// doctor: what can be wrong around a daemon, one file per subject. This file is the shape of what a
// check finds.

import type { Condition, Severity } from "../core/condition.ts";
import type { Fault } from "../core/fault.ts";

/** What --fix may do: safe, and taken back or done again without loss. */
export type Fix = {
  /** What it does, as an order: "Start the service". */
  readonly text: string;
  /** The fault says why it is not done. */
  apply(): Promise<Fault | null>;
};

/** One thing that is not as it should be; "info" is only worth knowing. */
export type Finding = {
  /** Stable name, e.g. "service.stopped"; conditions of the daemon keep theirs. */
  readonly name: string;
  /** What it is about: an upstream, a client, a path; "" for the daemon. */
  readonly subject: string;
  readonly severity: Severity;
  /** What is wrong, a sentence without a full stop. */
  readonly what: string;
  /** Why, or what follows from it. */
  readonly why: string;
  /** The command that mends it; "" where no command does. */
  readonly mend: string;
  readonly fix: Fix | null;
};

/** A condition of a program of ours; the command of its hint mends it. */
export function ofCondition({ name, subject, severity, text, hint }: Condition): Finding {
  return { name, subject, severity, what: text, why: hint, mend: commandIn(hint), fix: null };
}

/** The command that a hint names: "mcpd auth tickets" of "Log in with 'mcpd auth tickets'." */
export function commandIn(hint: string): string {
  return /'(mcpd [^']+)'|\((chmod [^)]+)\)/.exec(hint)?.slice(1).find(Boolean) ?? "";
}
