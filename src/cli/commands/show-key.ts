import { fault, FaultError, isFault } from "../../core/fault.ts";
import { readIfExists, reasonOf } from "../../lib/files.ts";
import { command } from "../command.ts";
import { openConfig } from "../config-file.ts";

export default command({
  meta: {
    name: "show-key",
    description: "Print the API key that HTTP clients need, and nothing else.",
  },
  args: {
    headers: {
      type: "boolean",
      description: "Print the HTTP headers with the key as JSON, for clients that run a command",
    },
  },
  examples: [
    {
      line: 'curl -H "X-API-Key: $(mcpd show-key)" http://127.0.0.1:8321/metrics',
      text: "Use it without seeing it",
    },
    { line: "mcpd show-key --json", text: "With the place it comes from" },
  ],
  execute({ args, options, output }) {
    const { store } = openConfig(options.config);
    const loaded = store.load();
    const { daemon } = isFault(loaded) ? store.lastGood : loaded;
    const fromEnvironment = process.env[daemon.apiKeyEnv]?.trim() ?? "";
    const found =
      fromEnvironment === ""
        ? { key: keyIn(daemon.apiKeyFile), origin: "file", file: daemon.apiKeyFile }
        : { key: fromEnvironment, origin: "environment", variable: daemon.apiKeyEnv };
    if (daemon.auth === "none")
      output.notes.warn("The daemon asks for no key: daemon.auth is none");
    if (args.headers) output.print(JSON.stringify({ Authorization: `Bearer ${found.key}` }));
    else if (options.json) output.json(found);
    else output.print(found.key);
    return 0;
  },
});

function keyIn(file: string): string {
  try {
    const key = readIfExists(file)?.trim() ?? "";
    if (key !== "") return key;
  } catch (error) {
    throw new FaultError(fault("file.failed", `Cannot read ${file}: ${reasonOf(error)}`, file));
  }
  const text = `There is no API key yet: the daemon writes ${file} when it starts`;
  throw new FaultError(fault("daemon.unreachable", text));
}
