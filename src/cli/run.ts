import { type Fault, FaultError, FAULTS } from "../core/fault.ts";
import { didYouMean } from "../core/spelling.ts";
import type { GlobalOptions, Values } from "./command.ts";
import { type CommandRow, COMMANDS, FAMILY_DEFAULTS, familyOf, findCommand } from "./commands.ts";
import { Output } from "./output.ts";
import { GLOBAL_ARGUMENTS, parseArguments, usage } from "./parse.ts";

/** What was asked for: a command's words (maybe none, maybe a family's) and the words left over. */
type Line = { readonly name: string; readonly rest: readonly string[] };

/** Runs one command line (without the program's name) and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  try {
    const line = nameOf(argv);
    // They must also come when the rest of the line is wrong: that is when they are wanted.
    if (has(line.rest, "--help", "-h")) return await help(line.name, line.rest);
    const row = rowOf(line);
    if (row?.ownVersion !== true && has(line.rest, "--version", "-V")) {
      return await run(["version", ...globalsOf(line.rest)]);
    }
    return row === null ? await overview(line) : await execute(row, line);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return report(error.fault, argv);
  }
}

async function execute(row: CommandRow, line: Line): Promise<number> {
  const { default: command } = await row.load();
  const definitions = { ...GLOBAL_ARGUMENTS, ...command.args };
  const args = parseArguments(line.rest, definitions, row.name);
  const options = optionsOf(args);
  try {
    return await command.execute({ args, options, output: new Output(options) });
  } catch (error) {
    throw await nearer(error, options);
  }
}

/** Who has mcpd switched off is told that, and not of a socket that is not there. */
async function nearer(error: unknown, { config }: GlobalOptions): Promise<unknown> {
  if (!(error instanceof FaultError) || error.fault.code !== "daemon.unreachable") return error;
  const { openConfig } = await import("./config-file.ts");
  const { switchedOff } = await import("./switched-off.ts");
  const off = switchedOff(openConfig(config));
  return off === null ? error : new FaultError(off);
}

/** No command, or a family that has no default: its help. */
async function overview({ name, rest }: Line): Promise<number> {
  parseArguments(rest, GLOBAL_ARGUMENTS, name === "" ? "commands" : name);
  return await help(name, rest);
}

async function help(name: string, rest: readonly string[]): Promise<number> {
  return await run(["help", ...name.split(" ").filter(Boolean), ...globalsOf(rest)]);
}

/** The first words that are no flags make the name, as far as there is such a command. */
function nameOf(argv: readonly string[]): Line {
  let name = "";
  const taken = new Set<number>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    if (word === "--") break;
    if (word === "--config") at++;
    if (word.startsWith("-")) continue;
    const longer = name === "" ? word : `${name} ${word}`;
    const known = findCommand(longer) !== undefined || familyOf(longer).length > 0;
    if (!known) {
      if (findCommand(name) === undefined) throw unknownCommand(name, word);
      break;
    }
    name = longer;
    taken.add(at);
  }
  return { name, rest: argv.filter((_, at) => !taken.has(at)) };
}

function rowOf({ name }: Line): CommandRow | null {
  return findCommand(name) ?? findCommand(FAMILY_DEFAULTS[name] ?? "") ?? null;
}

/** The fault of a command that does not exist in a family ("" for none), with the nearest one. */
export function unknownCommand(
  family: string,
  word: string,
  others: readonly string[] = [],
): FaultError {
  const prefix = family === "" ? "" : `${family} `;
  const known = family === "" ? COMMANDS : familyOf(family);
  const names = known
    .filter((row) => row.hidden !== true)
    .map((row) => row.name.slice(prefix.length));
  // A family's name alone is a candidate as well as those of its members.
  const first = names.map((name) => name.split(" ")[0] ?? name);
  const guess = didYouMean(word, new Set([...first, ...names, ...others]));
  const text = `Unknown command "${prefix}${word}"${guess}`;
  return usage(text, family === "" ? "commands" : family);
}

/** Prints a fault in the form the line asks for, even when the line itself is what is wrong. */
function report(problem: Fault, argv: readonly string[]): number {
  const globals = globalsOf(argv);
  const output = new Output({
    json: globals.includes("--json"),
    color: !globals.includes("--no-color"),
    quiet: true,
    config: undefined,
  });
  output.problem(problem);
  return FAULTS[problem.code].exit;
}

function has(words: readonly string[], ...wanted: readonly string[]): boolean {
  return beforeDashes(words).some((word) => wanted.includes(word));
}

/** The global switches that help and errors heed. */
function globalsOf(words: readonly string[]): readonly string[] {
  return beforeDashes(words).filter((word) => word === "--json" || word === "--no-color");
}

function beforeDashes(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end < 0 ? words : words.slice(0, end);
}

function optionsOf(args: Values): GlobalOptions {
  return {
    json: args["json"] === true,
    quiet: args["quiet"] === true,
    color: args["color"] !== false,
    config: typeof args["config"] === "string" ? args["config"] : undefined,
  };
}
