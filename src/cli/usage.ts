import type { Argument, Command } from "./command.ts";
import { type CommandRow, GROUPS } from "./commands.ts";
import { GLOBAL_ARGUMENTS, meaningOf, shownName } from "./parse.ts";
import type { Paint } from "./style.ts";

const WIDTH = 80;
const INDENT = "  ";

/** Everything that can be said about one command. */
export function commandUsage(name: string, command: Command, paint: Paint): string {
  const all = Object.entries(command.args).filter(([, { hidden }]) => hidden !== true);
  const positionals = all.filter(([, argument]) => argument.type === "positional");
  const flags = all.filter(([, argument]) => argument.type !== "positional");
  const words = positionals.map(([key, argument]) => {
    const shown = shownName(key, argument);
    return argument.required === true ? shown : `[${shown}]`;
  });
  const line = ["mcpd", name, ...words, flags.length > 0 ? "[flags]" : ""]
    .filter(Boolean)
    .join(" ");
  const sections = [
    Bun.wrapAnsi(command.meta.description, WIDTH),
    `${paint("bold", "Usage:")} ${line}`,
    section("Arguments", positionals.map(argumentRow), paint),
    section("Flags", flags.map(argumentRow), paint),
    section("Global flags", Object.entries(GLOBAL_ARGUMENTS).map(argumentRow), paint),
    exampleSection(command, paint),
  ];
  return sections.filter((text) => text !== "").join("\n\n");
}

/** The commands by group, with the flags of them all. */
export function overviewUsage(rows: readonly CommandRow[], paint: Paint): string {
  const shown = rows.filter((row) => row.hidden !== true);
  const groups = GROUPS.map((group) => {
    const members = shown.filter((row) => row.group === group);
    return section(
      group,
      members.map((row) => [row.name, row.summary] as const),
      paint,
    );
  });
  return [
    "mcpd runs your MCP servers once and shares them with every MCP client here.",
    `${paint("bold", "Usage:")} mcpd COMMAND [arguments] [flags]`,
    ...groups,
    section("Global flags", Object.entries(GLOBAL_ARGUMENTS).map(argumentRow), paint),
    "'mcpd help COMMAND' explains a command, 'mcpd help exit-codes' the exit codes.",
  ]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** The members of a family, such as `config`. */
export function familyUsage(family: string, rows: readonly CommandRow[], paint: Paint): string {
  const members = rows.map((row) => [row.name, row.summary] as const);
  return [
    `${paint("bold", "Usage:")} mcpd ${family} COMMAND [arguments] [flags]`,
    section("Commands", members, paint),
    `'mcpd help ${family} COMMAND' explains a command.`,
  ].join("\n\n");
}

/** A titled list of names and texts; long texts go on below themselves. */
export function section(
  title: string,
  rows: readonly (readonly [string, string])[],
  paint: Paint,
): string {
  if (rows.length === 0) return "";
  const column = Math.max(...rows.map(([name]) => name.length)) + INDENT.length * 2;
  const lines = rows.map(([name, text]) => {
    const wrapped = Bun.wrapAnsi(text, WIDTH - column).replaceAll("\n", `\n${" ".repeat(column)}`);
    return `${`${INDENT}${name}`.padEnd(column)}${wrapped}`.trimEnd();
  });
  return [paint("bold", `${title}:`), ...lines].join("\n");
}

function argumentRow([name, argument]: readonly [string, Argument]): readonly [string, string] {
  const alias = "alias" in argument ? [argument.alias].flat().find(Boolean) : undefined;
  const short = alias === undefined ? "" : `-${alias}, `;
  const preset = typeof argument.default === "string" ? ` (default: ${argument.default})` : "";
  const options = argument.type === "enum" ? `: ${(argument.options ?? []).join(", ")}` : "";
  const repeat = argument.multiple === true && argument.type !== "positional" ? "; repeatable" : "";
  return [short + shownName(name, argument), meaningOf(argument) + options + preset + repeat];
}

function exampleSection({ examples }: Command, paint: Paint): string {
  if (examples.length === 0) return "";
  const lines = examples.map(({ line, text }) => `${INDENT}${line}\n${INDENT}${INDENT}${text}`);
  return [paint("bold", "Examples:"), ...lines].join("\n");
}
