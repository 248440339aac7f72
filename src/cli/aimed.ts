import type { ControlApi } from "../control/api.ts";
import { ask, DAEMON_ARGUMENT } from "./ask.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { ANSWER_MS } from "./here.ts";
import type { Output } from "./output.ts";
import { ownProject } from "./project.ts";
import { timeoutMsOf } from "./values.ts";

/** What every command takes that asks one upstream for something. */
export const AIM_ARGUMENTS = {
  timeout: { type: "string", alias: "t", valueHint: "SECS", description: "Longest wait" },
  ...DAEMON_ARGUMENT,
} as const satisfies Arguments;

type Aimed = "mcpd/read" | "mcpd/prompt" | "mcpd/suggest";

/** Asks for something of one upstream, for the project of this directory. */
export async function askFor<M extends Aimed>(
  method: M,
  what: Omit<ControlApi[M]["params"], "project" | "timeoutMs">,
  args: { readonly timeout: string | undefined; readonly daemon: boolean },
  context: { readonly options: GlobalOptions; readonly output: Output; readonly text: string },
): Promise<ControlApi[M]["result"]> {
  const { options, output, text } = context;
  const timeoutMs = timeoutMsOf(args.timeout, method.slice("mcpd/".length));
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  const params = { ...what, ...limit, ...ownProject() } as ControlApi[M]["params"];
  const need = { daemon: args.daemon, config: options.config };
  return await output.busy(text, () =>
    ask(need, output, (servers, signal) =>
      servers.request(method, params, {
        signal,
        // The daemon watches the time itself: this is the second line.
        ...(timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_MS }),
      }),
    ),
  );
}
