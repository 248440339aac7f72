import type { SupervisedServer } from "../control/supervision.ts";
import type { Condition, Conditions } from "../core/condition.ts";
import { type Fault, FAULTS, hintOf } from "../core/fault.ts";
import { VERSION } from "../version.ts";

type Seen = {
  readonly server: SupervisedServer;
  /** What the server said that keeps it from starting. */
  readonly problem: Fault | null;
  /** Ends in a row, once they are a loop; 0 otherwise. */
  readonly crashes: number;
  /** Wall milliseconds since the epoch. */
  readonly atMs: number;
};

/** Raises the conditions that the state of the server is, and clears those it is not any more. */
export function judgeServer(conditions: Conditions, seen: Seen): void {
  const found = problemsOf(seen);
  for (const { name, subject } of conditions.list()) {
    if (subject === SERVER && !found.some((one) => one.name === name)) {
      conditions.clear(name, SERVER);
    }
  }
  for (const one of found) conditions.raise({ ...one, subject: SERVER, sinceMs: seen.atMs });
}

const SERVER = "";

type Problem = Omit<Condition, "subject" | "sinceMs">;

function problemsOf({ server, problem, crashes }: Seen): readonly Problem[] {
  if (server.state === "disabled") return [DISABLED];
  const found: Problem[] = [];
  if (problem !== null) {
    const { code: name, text } = problem;
    found.push({ name, severity: "error", text, hint: hintOf(problem) });
  } else if (crashes > 0) {
    const last = server.lastExit ?? "unknown";
    // Until it has run for a while, nobody knows whether this was the last time.
    const runs = server.state === "ready";
    found.push({
      name: "server.crashing",
      severity: runs ? "warning" : "error",
      text: `The server has ended ${crashes} times in a row, the last time: ${last}`,
      hint: "See 'mcpd logs' and 'mcpd logs --bootstrap'; mcpd keeps trying.",
    });
  }
  if (server.version !== null && server.version !== VERSION) {
    found.push({
      name: "bootstrap.outdated",
      severity: "warning",
      text: `The bootstrap is ${VERSION}, its server ${server.version}: the program was replaced`,
      hint: "Restart mcpd: 'mcpd stop', then 'mcpd start'.",
    });
  }
  return found;
}

const DISABLED: Problem = {
  name: "daemon.disabled",
  severity: "info",
  text: "mcpd is disabled by its config: daemon.enabled is false",
  hint: FAULTS["daemon.disabled"].hint,
};
