import type { ControlApi } from "../control/api.ts";
import type { ControlPort } from "../control/client.ts";
import { systemClock } from "../lib/clock.ts";
import { ask, DAEMON_ARGUMENT } from "./ask.ts";
import type { Arguments, GlobalOptions } from "./command.ts";
import { ANSWER_MS } from "./here.ts";
import type { Output } from "./output.ts";
import { ownProject } from "./project.ts";

/** The daemon waits for upstreams that start, but not this long. */
const LISTS_MS = 60_000;
/** What a first start may take here, download included; a client would not wait so long. */
const FIRST_START_MS = 20_000;
const AGAIN_MS = 100;

/** What the commands that list have in common. */
export const LIST_ARGUMENTS = {
  search: { type: "positional", required: false, description: "Words to look for" },
  upstream: { type: "string", alias: "u", valueHint: "NAME", description: "Only of this one" },
  ...DAEMON_ARGUMENT,
} as const satisfies Arguments;

type Given = {
  readonly search: string | undefined;
  readonly upstream: string | undefined;
  readonly daemon: boolean;
};

type Lists = "mcpd/tools" | "mcpd/prompts" | "mcpd/resources";

/** Asks for a list, and prints it: as JSON, or as `render` makes it, "" for nothing found. */
export async function printList<M extends Lists>(
  method: M,
  args: Given,
  { options, output }: { readonly options: GlobalOptions; readonly output: Output },
  render: (found: ControlApi[M]["result"], width: number | null) => string,
): Promise<number> {
  const params = {
    ...ownProject(),
    ...(args.search === undefined ? {} : { search: args.search }),
    ...(args.upstream === undefined ? {} : { upstream: args.upstream }),
  };
  const need = { daemon: args.daemon, config: options.config };
  const found = await output.busy("Asking the upstreams", () =>
    ask(need, output, (servers, signal) =>
      untilStarted(servers, () => servers.request(method, params, { timeoutMs: LISTS_MS, signal })),
    ),
  );
  if (options.json) {
    output.json(found);
  } else {
    const text = render(found, await output.width());
    if (text === "") output.notes.info(`No ${method.slice("mcpd/".length)} found`);
    else output.print(text);
  }
  if (found.missing.length > 0) {
    output.notes.warn(`Not listed, because they are not ready: ${found.missing.join(", ")}`);
  }
  return 0;
}

/** Asks again while an upstream that is missing is just starting. */
export async function untilStarted<T extends { readonly missing: readonly string[] }>(
  servers: ControlPort,
  question: () => Promise<T>,
): Promise<T> {
  const endMs = systemClock.monotonic() + FIRST_START_MS;
  for (;;) {
    const found = await question();
    if (found.missing.length === 0 || systemClock.monotonic() > endMs) return found;
    const { upstreams } = await servers.request("mcpd/status", {}, { timeoutMs: ANSWER_MS });
    const isStarting = upstreams.some(
      ({ name, state }) => state === "starting" && found.missing.includes(name),
    );
    if (!isStarting) return found;
    await systemClock.sleep(AGAIN_MS);
  }
}

/** As much of a description as a table has room for. */
export function firstSentence(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  return line.replaceAll(/\s+/g, " ");
}
