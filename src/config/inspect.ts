import type { ConfigWarning } from "../core/revision.ts";
import { suggest } from "../core/spelling.ts";
import { flagOf, secretsIn } from "../lib/secret.ts";
import {
  bare,
  isNote,
  memberOf,
  type Path,
  pathText,
  ROOT_NODE,
  type SchemaNode,
} from "./describe.ts";
import type { Parsed } from "./parse.ts";
import { type Problem, problemAt, problemOfKey } from "./problem.ts";
import type { ConfigEntry } from "./schema.ts";

/** What the schema library does not see: notes, unknown keys, lists for objects, secrets. */
export type Inspection = {
  /** The value without notes and unknown keys, ready for the schema. */
  readonly value: unknown;
  readonly warnings: readonly ConfigWarning[];
  readonly problems: readonly Problem[];
};

/** Keys of other programs' files that mean one of ours but are not spelled like it. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ["servers", "mcpServers"],
  ["context_servers", "mcpServers"],
]);

/** Names that the schema library leaves out of a record, so that they cannot do harm. */
const DROPPED: ReadonlySet<string> = new Set(["constructor", "prototype"]);

type Walk = { readonly parsed: Parsed; warnings: ConfigWarning[]; problems: Problem[] };

/** Walks the file along the schema. Unknown keys are dropped with a warning, never an error. */
export function inspect(parsed: Parsed): Inspection {
  const lost = parsed.lost.map((path) => problemOfKey(parsed, path));
  const walk: Walk = { parsed, warnings: [], problems: lost };
  const value = visit(walk, ROOT_NODE, parsed.value, []);
  return { value, warnings: walk.warnings, problems: walk.problems };
}

/** What is set and does nothing: a single instance has no second one for its late reads. */
export function idleKeys(parsed: Parsed, { mcpServers }: ConfigEntry): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  for (const [name, { hedge_reads_secs: hedge, replicas, urls }] of Object.entries(mcpServers)) {
    if (hedge === null || replicas > 1 || urls !== undefined) continue;
    const path = ["mcpServers", name, "hedge_reads_secs"];
    const text = `${pathText(path)} does nothing with a single instance: set "replicas" or "urls"`;
    warn({ parsed, warnings }, path, text, "key");
  }
  return warnings;
}

function visit(
  walk: Walk,
  schema: SchemaNode,
  value: unknown,
  path: Path,
  before?: unknown,
): unknown {
  const node = bare(schema);
  if (Array.isArray(value)) return visitList(walk, node, value, path);
  if (typeof value !== "object" || value === null) {
    if (typeof value === "string") warnOfSecret(walk, value, path, before);
    return value;
  }
  const kept: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, key];
    // A variable may well be called _JAVA_OPTIONS; in all other places "_" begins a note.
    const isVariable = path.length === 3 && path[2] === "env" && key.startsWith("_");
    if (isNote(key) && !isVariable && !(path.length === 0 && key === "_version")) continue;
    if (node.type === "record" && DROPPED.has(key)) {
      walk.problems.push(problemOfKey(walk.parsed, at));
      continue;
    }
    const member = memberOf(node, key);
    if (member !== undefined) kept[key] = visit(walk, member, inner, at);
    else if (node.type === "object") warnUnknown(walk, node, at, key);
    else kept[key] = inner;
  }
  return kept;
}

function visitList(walk: Walk, node: SchemaNode, value: readonly unknown[], path: Path): unknown {
  const item = node.item;
  if (item !== undefined) {
    return value.map((inner, index) =>
      visit(walk, item, inner, [...path, index], value[index - 1]),
    );
  }
  // The schema library takes a list for an object without members.
  if (node.type !== "object" && node.type !== "record") return value;
  walk.problems.push(problemAt(walk.parsed, path, value));
  return {};
}

function warnUnknown(walk: Walk, node: SchemaNode, path: Path, key: string): void {
  const owner = path.length === 1 ? "" : ` in ${pathText(path.slice(0, -1))}`;
  const meant = FOREIGN.get(key) ?? suggest(key, Object.keys(node.entries ?? {}));
  const known = meant !== null && memberOf(node, meant) !== undefined;
  const advice = known ? `did you mean "${meant}"?` : "see 'mcpd config explain' for the keys";
  warn(walk, path, `Unknown key "${key}"${owner} is ignored: ${advice}`, "key");
}

/** `before` is the word in front of it, in a list. */
function warnOfSecret(walk: Walk, value: string, path: Path, before: unknown): void {
  const [name, holder] = [path.at(-1), path.at(-2)];
  const isValue = holder === "env" || holder === "headers";
  if (!isValue && holder !== "args" && holder !== "urls" && name !== "url") return;
  const flag = typeof before === "string" ? flagOf(before, value) : "";
  if (secretsIn(value, isValue ? String(name) : flag).length === 0) return;
  const reference = '{"env": "NAME"}, {"file": "PATH"} or {"keychain": ...}';
  const cure = isValue
    ? `write ${reference} and keep it there`
    : `write \${NAME} in its place, and NAME into env as ${reference}`;
  warn(walk, path, `${pathText(path)} looks like a secret in the file: ${cure}`, "value");
}

function warn(
  walk: Pick<Walk, "parsed" | "warnings">,
  path: Path,
  text: string,
  part: "key" | "value",
): void {
  const { line, column } = walk.parsed.locate(path, part);
  walk.warnings.push({ about: "text", path: pathText(path), line, column, text });
}
