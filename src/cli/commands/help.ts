import { VERSION } from "../../version.ts";
import type { Command } from "../command.ts";
import { command } from "../command.ts";
import { type CommandRow, COMMANDS, familyOf, findCommand } from "../commands.ts";
import { exitCodes } from "../exit-codes.ts";
import { GLOBAL_ARGUMENTS } from "../parse.ts";
import { unknownCommand } from "../run.ts";
import type { Paint } from "../style.ts";
import { commandUsage, familyUsage, overviewUsage, section } from "../usage.ts";

const VARIABLES: readonly (readonly [string, string])[] = [
  ["MCPD_CONFIG", "Config file, where --config is not given and the config directory has none"],
  ["MCPD_API_KEY", "API key, over the key file (the name is daemon.api_key_env of the config)"],
  ["MCPD_ALLOW_ROOT", "1 lets mcpd run as root, for containers"],
  ["MCPD_DOWNLOAD_URL", "Where 'mcpd upgrade' finds releases, for a mirror"],
  ["VISUAL, EDITOR", "Editor for 'mcpd config edit'"],
  ["NO_COLOR, FORCE_COLOR", "No colour, or colour also without a terminal"],
  ["XDG_CONFIG_HOME, ...", "Where config, state and socket are on Linux"],
];

const TOPICS: { readonly [name: string]: (paint: Paint) => string } = {
  commands: (paint) => overviewUsage(COMMANDS, paint),
  "exit-codes": (paint) =>
    section(
      "Exit codes",
      exitCodes().map(({ code, meaning }) => [`${code}`, meaning]),
      paint,
    ),
  environment: (paint) => section("Environment variables", VARIABLES, paint),
};

export default command({
  meta: {
    name: "help",
    description:
      "Explain a command, or a topic: commands, exit-codes, environment. With --json the whole command tree.",
  },
  args: {
    words: {
      type: "positional",
      multiple: true,
      required: false,
      valueHint: "COMMAND",
      description: "A command or a topic",
    },
  },
  examples: [
    { line: "mcpd help servers add", text: "How to add an upstream" },
    { line: "mcpd help exit-codes", text: "What the exit codes mean" },
    { line: "mcpd help --json", text: "Every command, for tools that write docs" },
  ],
  async execute({ args, options, output }) {
    const name = args.words.join(" ");
    const family = familyOf(name).filter((row) => row.hidden !== true);
    const row = findCommand(name);
    const topic = TOPICS[name === "" ? "commands" : name];
    if (row === undefined && topic === undefined && family.length === 0) {
      throw unknownCommand("", name, Object.keys(TOPICS));
    }
    if (options.json) {
      const rows = family.length > 0 ? family : COMMANDS;
      output.json(await tree(row === undefined ? rows : [row]));
      return 0;
    }
    if (row !== undefined) {
      output.print(commandUsage(name, (await row.load()).default, output.paint));
      return 0;
    }
    if (topic !== undefined) output.print(topic(output.paint));
    else output.print(familyUsage(name, family, output.paint));
    return 0;
  },
});

async function tree(rows: readonly CommandRow[]): Promise<object> {
  const shown = rows.filter((row) => row.hidden !== true);
  const commands = await Promise.all(
    shown.map(async (row) => described(row, (await row.load()).default)),
  );
  return {
    name: "mcpd",
    version: VERSION,
    globalFlags: GLOBAL_ARGUMENTS,
    commands,
    exitCodes: exitCodes(),
  };
}

function described(
  { name, group, summary }: CommandRow,
  { meta, args, examples }: Command,
): object {
  return { name, group, summary, description: meta.description, arguments: args, examples };
}
