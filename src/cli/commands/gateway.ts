import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";
import { type GatewayRun, runGateway } from "../gateway.ts";
import { ownProgram } from "../own-program.ts";
import { usage } from "../parse.ts";
import { projectOf } from "../project.ts";
import { entryOf } from "../upstream-entry.ts";
import { timeoutMsOf } from "../values.ts";

/** What decides where mcpd looks; clients hand on little of their environment. */
const PASSED_ON = [
  "APPDATA",
  "LOCALAPPDATA",
  "MCPD_ALLOW_ROOT",
  "MCPD_CONFIG",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
];

export default command({
  meta: {
    name: "gateway",
    description:
      "Run a headless MCP client with mcpd as its server, without touching its config: claude, " +
      "codex, copilot, gemini, opencode, or any other with {config} where the path of an MCP " +
      "config belongs. Its exit code is ours.",
  },
  args: {
    client: {
      type: "positional",
      multiple: true,
      required: true,
      valueHint: "CLIENT",
      description: "The client and its arguments, after --",
    },
    server: {
      type: "string",
      alias: "s",
      valueHint: "NAME",
      description: "One upstream, its names untouched, instead of all",
    },
    timeout: { type: "string", alias: "t", valueHint: "SECS", description: "Longest run" },
    daemon: {
      type: "boolean",
      default: true,
      description: "Use the daemon",
      negativeDescription: "Give the client servers of its own, which end with it",
    },
  },
  examples: [
    { line: 'mcpd gateway -- claude -p "What is new?"', text: "Claude Code with mcpd alone" },
    {
      line: "mcpd gateway -t 300 --json -- codex exec - < task.md",
      text: "What came of it as JSON",
    },
    { line: "mcpd gateway -- mcphost --config {config} -p hello", text: "Any other client" },
  ],
  async execute({ args, options, output }) {
    const { server } = args;
    if (server !== undefined && !args.daemon) {
      throw usage("--server needs the daemon: leave --no-daemon out", "gateway");
    }
    // The client would start, and have no tools.
    if (server !== undefined) entryOf(openConfig(options.config), server);
    const named = server === undefined ? [] : ["--server", server];
    const directory = projectOf(undefined, "gateway");
    const project = directory === null ? [] : ["--project", directory];
    const words = args.daemon ? ["bridge", ...named, ...project] : ["serve", "--stdio", "--quiet"];
    const config = options.config === undefined ? [] : ["--config", options.config];
    const [program, ...script] = ownProgram();
    const entry = { command: program, args: [...script, ...words, ...config], env: passedOn() };
    const timeoutMs = timeoutMsOf(args.timeout, "gateway");
    const environment = process.env;
    const capture = options.json;
    const run = await runGateway(args.client, { entry, environment, timeoutMs, capture });
    if (options.json) output.json(reportOf(args.client, run));
    else if (run.timedOut) output.notes.warn(`The client was ended after ${args.timeout} s`);
    return run.exitCode;
  },
});

function passedOn(): { readonly [name: string]: string } {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What the client printed is there as JSON where it is JSON. */
function reportOf(client: readonly string[], { stdout, durationMs, ...run }: GatewayRun): object {
  return { client, ...run, durationMs: Math.round(durationMs), output: parsed(stdout ?? "") };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
