import { nameProblem } from "../../config/schema-upstream.ts";
import { shellWord } from "../../lib/text.ts";
import { type Arguments, command, type ValuesOf } from "../command.ts";
import { changeConfig, DRY_RUN } from "../config-change.ts";
import { openConfig } from "../config-file.ts";
import { usage } from "../parse.ts";
import { addLine, entriesOf, type Entry, literalSecrets } from "../upstream-entry.ts";
import { pair, wholeNumber } from "../values.ts";

const SUBJECT = "servers add";
const DAY_SECS = 86_400;

const ARGUMENTS = {
  name: { type: "positional", required: true, description: "Name of the upstream" },
  command: {
    type: "positional",
    multiple: true,
    required: false,
    valueHint: "-- COMMAND",
    description: "Program and its arguments, after --",
  },
  url: { type: "string", valueHint: "URL", description: "Address of a remote upstream" },
  type: {
    type: "enum",
    valueHint: "KIND",
    options: ["stdio", "http", "sse", "ws"],
    description: "Kind of upstream, where it is not clear",
  },
  env: { type: "string", multiple: true, valueHint: "KEY=VALUE", description: "Variable" },
  "env-ref": {
    type: "string",
    multiple: true,
    valueHint: "KEY=NAME",
    description: "Variable read from NAME in the daemon's environment: for secrets",
  },
  header: { type: "string", multiple: true, valueHint: "KEY=VALUE", description: "HTTP header" },
  "header-ref": {
    type: "string",
    multiple: true,
    valueHint: "KEY=NAME",
    description: "HTTP header read from NAME in the daemon's environment",
  },
  cwd: { type: "string", valueHint: "DIR", description: "Directory the command starts in" },
  scope: {
    type: "enum",
    valueHint: "SCOPE",
    options: ["user", "project", "session"],
    description: "Who shares an instance",
  },
  timeout: { type: "string", valueHint: "SECS", description: "Time-out of a request" },
  entry: {
    type: "string",
    valueHint: "JSON",
    description: "The whole entry, as other clients have it",
  },
  replace: { type: "boolean", description: "Replace an upstream of that name" },
  ...DRY_RUN,
} as const satisfies Arguments;

export default command({
  meta: {
    name: SUBJECT,
    description: "Add an upstream to the config; a running daemon starts it at once.",
  },
  args: ARGUMENTS,
  examples: [
    {
      line: "mcpd servers add files -- npx -y @modelcontextprotocol/server-filesystem /tmp",
      text: "A program",
    },
    {
      line: "mcpd servers add github --env-ref GITHUB_TOKEN=MY_TOKEN -- github-mcp-server",
      text: "With a secret that stays out of the file",
    },
    { line: "mcpd servers add docs --url https://example.com/mcp", text: "A remote one" },
    { line: `mcpd servers add x --entry '{"command": "x-mcp"}'`, text: "From a README" },
  ],
  execute({ args, options, output }) {
    const config = openConfig(options.config);
    const { name } = args;
    // The file may hold more names: there, one that begins with "_" is a note.
    const problem = nameProblem(name);
    if (problem !== null) {
      throw usage(`Cannot add "${name}": ${problem}`, SUBJECT);
    }
    const standing = entriesOf(config).get(name);
    if (standing !== undefined && !args.replace) {
      const text = `Cannot add "${name}": there is an upstream of that name. --replace replaces it`;
      throw usage(text, SUBJECT);
    }
    const entry = entryFrom(args);
    for (const secret of literalSecrets(entry)) {
      const advice = `--env-ref ${secret}=NAME keeps it in the environment`;
      output.notes.warn(`${secret} is written to the config as plain text: ${advice}`);
    }
    const change = {
      edits: [{ kind: "set", path: ["mcpServers", name], value: entry }],
      done: standing === undefined ? `Added "${name}"` : `Replaced "${name}"`,
      undo:
        standing === undefined
          ? `mcpd servers remove ${shellWord(name)}`
          : `${addLine(name, standing)} --replace`,
    } as const;
    return changeConfig(config, change, { dryRun: args["dry-run"], options, output });
  },
});

function entryFrom(args: ValuesOf<typeof ARGUMENTS>): Entry {
  const [program, ...rest] = args.command;
  const ways = [program, args.url, args.entry].filter((way) => way !== undefined).length;
  if (ways !== 1) {
    const state =
      ways === 0 ? "nothing says how to reach it" : "there are several ways to reach it";
    const text = `Cannot add "${args.name}": ${state}: give -- COMMAND, --url URL or --entry JSON`;
    throw usage(text, SUBJECT);
  }
  const given = args.entry === undefined ? {} : objectOf(args.entry);
  const reach =
    program === undefined
      ? args.url === undefined
        ? {}
        : { url: args.url }
      : { command: program, ...(rest.length > 0 ? { args: rest } : {}) };
  return { ...given, ...reach, ...valuesFrom(args), ...settingsFrom(args) };
}

function valuesFrom(args: ValuesOf<typeof ARGUMENTS>): Entry {
  const env = members(args.env, "--env", args["env-ref"], "--env-ref");
  const headers = members(args.header, "--header", args["header-ref"], "--header-ref");
  return {
    ...(Object.keys(env).length > 0 ? { env } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  };
}

function settingsFrom(args: ValuesOf<typeof ARGUMENTS>): Entry {
  const { type, cwd, scope, timeout } = args;
  const bounds = { min: 1, max: DAY_SECS };
  return {
    ...(type === undefined ? {} : { type }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(scope === undefined ? {} : { scope }),
    ...(timeout === undefined
      ? {}
      : { timeout_secs: wholeNumber(timeout, "--timeout", bounds, SUBJECT) }),
  };
}

function members(
  values: readonly string[],
  flag: string,
  references: readonly string[],
  referenceFlag: string,
): Entry {
  return Object.fromEntries([
    ...values.map((text) => pair(text, flag, SUBJECT)),
    ...references.map((text) => {
      const [key, name] = pair(text, referenceFlag, SUBJECT);
      return [key, { env: name }] as const;
    }),
  ]);
}

function objectOf(text: string): Entry {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Entry;
  } catch {
    // Said below, the same as for JSON of another kind.
  }
  throw usage('--entry must be a JSON object such as {"command": "npx"}', SUBJECT);
}
