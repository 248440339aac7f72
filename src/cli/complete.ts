import type { ControlClient } from "../control/client.ts";
import { FaultError } from "../core/fault.ts";
import type { Argument, Arguments } from "./command.ts";
import { COMMANDS, familyOf, findCommand } from "./commands.ts";
import { SHELLS } from "./commands/completions.ts";
import { withDaemon } from "./here.ts";
import { GLOBAL_ARGUMENTS, meaningOf, shownName } from "./parse.ts";

/** Arguments that name a client. */
const CLIENT_ARGUMENTS: ReadonlySet<string> = new Set(["client", "clients", "source"]);

export type Candidate = { readonly word: string; readonly text: string };

/** A key press waits for this, so it is short; without an answer nothing is offered. */
const DAEMON_MS = 500;

/** What the last of the words typed after "mcpd" may become. */
export async function candidates(words: readonly string[]): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const { name, rest } = commandIn(before);
  const row = findCommand(name);
  const own = row === undefined ? {} : (await row.load()).default.args;
  const found = await offered({ name, rest, own, current });
  return found.filter(({ word }) => word.startsWith(current));
}

type Situation = {
  readonly name: string;
  /** The words between the command's name and the current one. */
  readonly rest: readonly string[];
  readonly own: Arguments;
  readonly current: string;
};

async function offered(situation: Situation): Promise<readonly Candidate[]> {
  const { name, rest, own, current } = situation;
  const flag = flagBefore(rest, own);
  if (flag !== undefined) return await valuesOf(flag.name, flag.argument, situation);
  if (current.startsWith("-")) return flagsOf({ ...own, ...GLOBAL_ARGUMENTS, ...own });
  const next = name === "help" ? rest.join(" ") : name;
  const words = name === "" || name === "help" || familyOf(name).length > 0 ? nextWords(next) : [];
  const positionals = Object.entries(own).filter(([, argument]) => argument.type === "positional");
  const typed = rest.filter((word) => !word.startsWith("-")).length;
  const [argument, definition] = positionals[Math.min(typed, positionals.length - 1)] ?? [];
  if (argument === undefined || definition === undefined) return words;
  return [...words, ...(await valuesOf(argument, definition, situation))];
}

function commandIn(words: readonly string[]): { name: string; rest: readonly string[] } {
  let name = "";
  for (const [index, word] of words.entries()) {
    if (word.startsWith("-")) continue;
    const longer = name === "" ? word : `${name} ${word}`;
    const known = findCommand(longer) !== undefined || familyOf(longer).length > 0;
    if (!known) return { name, rest: words.slice(index) };
    name = longer;
  }
  return { name, rest: [] };
}

/** The flag whose value is being typed. */
function flagBefore(
  rest: readonly string[],
  own: Arguments,
): { readonly name: string; readonly argument: Argument } | undefined {
  const name = rest.at(-1)?.replace(/^--/, "") ?? "";
  const argument = ({ ...GLOBAL_ARGUMENTS, ...own } as Arguments)[name];
  const takesValue = argument?.type === "string" || argument?.type === "enum";
  return rest.at(-1)?.startsWith("--") === true && takesValue ? { name, argument } : undefined;
}

function nextWords(name: string): readonly Candidate[] {
  const prefix = name === "" ? "" : `${name} `;
  const rows = COMMANDS.filter((row) => row.hidden !== true && row.name.startsWith(prefix));
  const found = new Map<string, string>();
  for (const row of rows) {
    const [word = "", more] = row.name.slice(prefix.length).split(" ");
    if (!found.has(word)) found.set(word, more === undefined ? row.summary : `${row.group} ...`);
  }
  return [...found].map(([word, text]) => ({ word, text }));
}

function flagsOf(definitions: Arguments): readonly Candidate[] {
  return Object.entries(definitions)
    .filter(([, argument]) => argument.type !== "positional" && argument.hidden !== true)
    .map(([name, argument]) => ({
      word: shownName(name, argument).split(" ")[0] ?? "",
      text: meaningOf(argument),
    }));
}

/** Choices of an enum, and names that only the daemon knows. */
async function valuesOf(
  name: string,
  argument: Argument,
  { name: command, rest }: Situation,
): Promise<readonly Candidate[]> {
  if (argument.type === "enum") return (argument.options ?? []).map((word) => ({ word, text: "" }));
  if (command === "completions") return SHELLS.map((word) => ({ word, text: "" }));
  if (CLIENT_ARGUMENTS.has(name)) {
    const { CLIENTS } = await import("../clients/registry.ts");
    return CLIENTS.map(({ id, title }) => ({ word: id, text: title }));
  }
  const isUpstream = name === "upstream" || (command.startsWith("servers ") && name === "name");
  if (isUpstream && command !== "servers add") {
    return await asked(async (daemon) => {
      const { upstreams } = await daemon.request("mcpd/status", {}, { timeoutMs: DAEMON_MS });
      return upstreams.map((upstream) => ({ word: upstream.name, text: upstream.state }));
    });
  }
  const [upstream] = rest;
  if (name !== "tool" || upstream === undefined) return [];
  return await asked(async (daemon) => {
    const { tools } = await daemon.request("mcpd/tools", { upstream }, { timeoutMs: DAEMON_MS });
    return tools.map(({ tool, title }) => ({ word: tool, text: title }));
  });
}

async function asked(
  question: (daemon: ControlClient) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  try {
    return await withDaemon(question);
  } catch (error) {
    if (error instanceof FaultError) return [];
    throw error;
  }
}
