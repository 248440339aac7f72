import type { Change } from "../clients/write.ts";
import { isSecretName, maskText } from "../lib/secret.ts";
import { diff } from "./diff.ts";
import { harmless, type Paint } from "./style.ts";

/** What changes in one file, for people and scripts; secrets are blanked. */
export type FileDiff = {
  readonly path: string;
  readonly kind: "create" | "change" | "remove";
  readonly diff: string;
};

/** The differences, without files that hold nothing but a secret or a schema. */
export function diffsOf(changes: readonly Change[], secrets: readonly string[]): FileDiff[] {
  return changes.map(({ before, after }) => {
    const old = before.bytes === null ? "" : new TextDecoder().decode(before.bytes);
    const kind = after === null ? "remove" : before.bytes === null ? "create" : "change";
    const isSecret = secrets.some((value) => after === `${value}\n`);
    const isSchema = before.path.endsWith(".schema.json");
    const shown = isSecret || isSchema ? "" : masked(diff(old, after ?? ""), secrets);
    return { path: before.path, kind, diff: shown };
  });
}

/** A difference as it is printed: the file, then its lines in colour. */
export function shownDiff({ path, kind, diff: lines }: FileDiff, paint: Paint): string {
  const verb = { create: "Create", change: "Change", remove: "Remove" }[kind];
  const coloured = lines
    .split("\n")
    .map((line) => {
      if (line.startsWith("+")) return paint("green", line);
      return line.startsWith("-") ? paint("red", line) : line;
    })
    .join("\n");
  return `${paint("bold", `${verb} ${path}`)}${lines === "" ? "" : `\n${coloured}`}`;
}

/** What is known to be a secret, and what its name says is one, in any of the formats. */
export function masked(text: string, secrets: readonly string[]): string {
  let safe = maskText(text);
  // As it is written in JSON, and line by line where it is not.
  const written = secrets.flatMap((secret) => [
    JSON.stringify(secret).slice(1, -1),
    ...secret.split("\n"),
  ]);
  for (const piece of written) {
    if (piece.trim() !== "") safe = safe.replaceAll(piece, () => "***");
  }
  return harmless(safe)
    .split("\n")
    .map((line) =>
      line.replace(
        /^([-+ ]*(?:- )?["']?([\w.-]+)["']?\s*[=:]\s*["']?)([^"'\s{[][^"']*)/,
        (whole, head: string, name: string) => (isSecretName(name) ? `${head}***` : whole),
      ),
    )
    .join("\n");
}
