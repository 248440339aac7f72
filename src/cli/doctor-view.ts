import type { Finding } from "../doctor/finding.ts";
import { formatCount } from "../lib/text.ts";
import type { Paint } from "./style.ts";
import { harmless } from "./style.ts";

const MARKS = {
  error: ["red", "error"],
  warning: ["yellow", "warning"],
  info: ["cyan", "note"],
} as const;

/** What became of a finding that --fix took on. */
export type Treated = {
  readonly finding: Finding;
  /** Null: it was not tried. */
  readonly done: boolean | null;
  /** Why it was not done. */
  readonly problem: string | null;
};

/** The findings for people: what, why, and the command that mends it. */
export function findingsView(findings: readonly Finding[], paint: Paint): string {
  if (findings.length === 0) return "Everything is in order";
  return findings.map((one) => findingView(one, paint)).join("\n\n");
}

export function treatedView({ finding, done, problem }: Treated, paint: Paint): string {
  const text = finding.fix?.text ?? "";
  if (done === true) return `${paint("green", "done:")} ${harmless(text)}`;
  return `${paint("red", "not done:")} ${harmless(text)}: ${harmless(problem ?? "")}`;
}

/** "2 errors, 1 warning; 'mcpd doctor --fix' mends 2 of them". */
export function summaryOf(findings: readonly Finding[]): string {
  const counts = (["error", "warning", "info"] as const).flatMap((severity) => {
    const count = findings.filter((one) => one.severity === severity).length;
    const word = severity === "info" ? "note" : severity;
    return count === 0 ? [] : [formatCount(count, word)];
  });
  const fixable = findings.filter(({ fix }) => fix !== null).length;
  const cure = fixable === 0 ? "" : `; 'mcpd doctor --fix' mends ${fixable} of them`;
  return `${counts.join(", ")}${cure}`;
}

/** For scripts: without what cannot be written down. */
export function findingJson({ fix, ...finding }: Finding): object {
  return { ...finding, fix: fix?.text ?? null };
}

function findingView({ severity, what, why, mend }: Finding, paint: Paint): string {
  const [colour, word] = MARKS[severity];
  const lines = [`${paint(colour, `${word}:`)} ${harmless(what)}`];
  if (why !== "") lines.push(`  ${harmless(why)}`);
  if (mend !== "") lines.push(`  ${paint("bold", harmless(mend))}`);
  return lines.join("\n");
}
