import { reasonOf } from "../../lib/files.ts";
import { command } from "../command.ts";
import { daemonStatus } from "../here.ts";
import { timeoutMsOf } from "../values.ts";

type Health = { readonly status: string; readonly [key: string]: unknown };

export default command({
  meta: {
    name: "health",
    description:
      "Check over HTTP whether the daemon is healthy: exit code 0 for healthy and degraded, 1 for unhealthy, 69 when it does not run.",
  },
  args: {
    timeout: { type: "string", valueHint: "SECS", default: "5", description: "Longest wait" },
  },
  examples: [{ line: "mcpd health --quiet || mcpd status", text: "See why it is not healthy" }],
  async execute({ args, options, output }) {
    const timeoutMs = timeoutMsOf(args.timeout, "health");
    const { urls } = await daemonStatus();
    const health = urls === null ? notListening() : await ask(urls.health, timeoutMs);
    if (options.json) output.json(health);
    else output.print(health.status);
    if (typeof health["problem"] === "string") output.notes.warn(health["problem"]);
    return health.status === "unhealthy" ? 1 : 0;
  },
});

function notListening(): Health {
  return { status: "unhealthy", problem: "The daemon runs but its HTTP port is not bound" };
}

async function ask(url: string, timeoutMs: number): Promise<Health> {
  try {
    // A proxy from the environment has no business on loopback.
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), proxy: "" });
    return (await answer.json()) as Health;
  } catch (error) {
    return { status: "unhealthy", problem: `${url} does not answer: ${reasonOf(error)}` };
  }
}
