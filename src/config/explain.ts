import { publicAddress } from "../lib/address.ts";
import { isSecretName, maskWord, maskWords } from "../lib/secret.ts";
import {
  aboutOf,
  bare,
  memberOf,
  nodeAt,
  type Path,
  pathText,
  ROOT_NODE,
  type SchemaNode,
  typeText,
} from "./describe.ts";
import type { Parsed } from "./parse.ts";
import type { Applies } from "./schema-key.ts";

/** One key of the config as `mcpd config explain` shows it. */
export type ExplainRow = {
  /** daemon.port; mcpServers.<name>.command where no upstream is meant. */
  readonly path: string;
  readonly title: string;
  readonly description: string;
  /** "a whole number from 1024 to 65535 or null" */
  readonly type: string;
  /** undefined: there is none, the key may be left out. */
  readonly default: unknown;
  readonly value: unknown;
  readonly origin: "file" | "default";
  /** Where the file sets it. */
  readonly line: number | null;
  readonly applies: Applies;
};

const ANY_NAME = "<name>";

/**
 * Every key of the config, or those at and below `key` ("daemon", "daemon.port",
 * "mcpServers.files"), with the values of a file where one is given. Empty for an unknown key.
 */
export function explainRows(parsed: Parsed | null, key = ""): readonly ExplainRow[] {
  const rows = rowsOf(ROOT_NODE, parsed, parsed?.value, []);
  if (key === "") return rows;
  return rows.filter((row) => row.path === key || row.path.startsWith(`${key}.`));
}

function rowsOf(node: SchemaNode, parsed: Parsed | null, value: unknown, path: Path): ExplainRow[] {
  const rows: ExplainRow[] = [];
  for (const key of namesOf(node, value, path)) {
    const member = memberOf(node, key);
    if (member === undefined) continue;
    const at = [...path, key];
    const inner = ownMember(value, key);
    const nests = bare(member).entries !== undefined || isUpstreams(at);
    rows.push(...(nests ? rowsOf(member, parsed, inner, at) : [rowOf(member, parsed, inner, at)]));
  }
  return rows;
}

function rowOf(node: SchemaNode, parsed: Parsed | null, value: unknown, path: Path): ExplainRow {
  const about = aboutOf(node);
  const inFile = value !== undefined && parsed !== null;
  return {
    path: pathText(path).replaceAll(`["${ANY_NAME}"]`, `.${ANY_NAME}`),
    title: about.title ?? "",
    description: about.description ?? "",
    type: typeText(node),
    default: node.default,
    value: inFile ? withoutSecrets(value, path.at(-1)) : node.default,
    origin: inFile ? "file" : "default",
    line: inFile ? parsed.locate(path, "key").line : null,
    applies: about.applies ?? "live",
  };
}

/** Under mcpServers: the names in the file, and one that stands for any. */
function namesOf(node: SchemaNode, value: unknown, path: Path): readonly string[] {
  if (!isUpstreams(path))
    return Object.keys(bare(node).entries ?? {}).filter((key) => key !== "$schema");
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const names = isObject ? Object.keys(value).filter((name) => nodeAt([...path, name])) : [];
  return [...names.filter((name) => !/^(_|\/\/)/.test(name)), ANY_NAME];
}

function isUpstreams(path: Path): boolean {
  return path.length === 1 && path[0] === "mcpServers";
}

function ownMember(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** Literal texts under secret names are not shown, nor what words and URLs hold of secrets. */
function withoutSecrets(value: unknown, key: string | number | undefined): unknown {
  if (typeof value === "string") return key === "url" ? publicAddress(value) : maskWord(value);
  if (Array.isArray(value)) {
    return value.every((word) => typeof word === "string") ? maskWords(value) : value;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]: [string, unknown]) => [
      name,
      typeof inner === "string" && isSecretName(name) ? "(hidden)" : withoutSecrets(inner, name),
    ]),
  );
}
