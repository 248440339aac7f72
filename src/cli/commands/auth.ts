import { fault, FaultError, isFault } from "../../core/fault.ts";
import type { Unit } from "../../core/unit.ts";
import { systemClock } from "../../lib/clock.ts";
import { didYouMean } from "../../lib/text.ts";
import { openInBrowser } from "../../platform/browser.ts";
import type { Platform } from "../../platform/platform.ts";
import type { LoginOptions } from "../../server/oauth-flow.ts";
import { resolveRemote } from "../../supervise/remote-target.ts";
import { command } from "../command.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { ANSWER_MS, withDaemon } from "../here.ts";

/** How long a person may take to log in. */
const PATIENCE_MS = 300_000;

export default command({
  meta: {
    name: "auth",
    description: "Log in at a remote upstream that asks for it, with your browser.",
  },
  args: {
    upstream: { type: "positional", required: true, description: "Name of the upstream" },
    browser: {
      type: "boolean",
      default: true,
      negativeDescription: "Print the address, and do not open it",
    },
    scope: {
      type: "string",
      valueHint: "SCOPE",
      description: "Rights to ask for beside those the server names",
    },
    "client-id": {
      type: "string",
      valueHint: "ID",
      description: "A client you have registered at the server yourself",
    },
    "client-secret-env": {
      type: "string",
      valueHint: "NAME",
      description: "Variable that holds the secret of that client",
    },
    port: {
      type: "string",
      valueHint: "PORT",
      description: "Come back to http://127.0.0.1:PORT/callback",
    },
    logout: { type: "boolean", description: "Forget the login instead" },
  },
  examples: [
    { line: "mcpd auth tickets", text: "Log in; the daemon then connects by itself" },
    { line: "mcpd auth tickets --no-browser", text: "Print the address instead of opening it" },
    { line: "mcpd auth tickets --logout", text: "Forget the login" },
  ],
  async execute({ args, options, output }) {
    const { platform, store: config } = openConfig(options.config);
    const { upstream } = args;
    const { units } = orThrow(config.load());
    const url = await addressOf(units, upstream, platform);
    const { CredentialStore } = await import("../../server/oauth-store.ts");
    const store = new CredentialStore(platform.paths.keptDir, upstream, url, systemClock);
    if (args.logout) {
      const known = await store.exclusively(async () => store.remove());
      if (options.json) output.json({ upstream, loggedIn: false });
      else output.notes.success(known ? `Logged out of "${upstream}"` : "There was no login");
      await tellDaemon();
      return 0;
    }
    const { logIn } = await import("../../server/oauth-flow.ts");
    const problem = await logIn({
      upstream,
      url,
      store,
      clock: systemClock,
      scope: args.scope,
      client: clientOf(args["client-id"], args["client-secret-env"]),
      port: args.port === undefined ? undefined : portOf(args.port),
      patienceMs: PATIENCE_MS,
      show: (address) => {
        const opened = args.browser && openInBrowser(platform, address, process.env["PATH"] ?? "");
        const text = opened ? "Log in in your browser, or open:" : "Open this address to log in:";
        if (options.json) output.print(JSON.stringify({ upstream, open: address.href }));
        else output.print(`${text}\n\n  ${address.href}\n`);
      },
    });
    if (isFault(problem)) throw new FaultError(problem);
    if (options.json) output.print(JSON.stringify({ upstream, loggedIn: true }));
    else output.notes.success(`Logged in at "${upstream}"`);
    await tellDaemon();
    return 0;
  },
});

/** Servers that register no clients by themselves know one that the user has made there. */
function clientOf(id: string | undefined, variable: string | undefined): LoginOptions["client"] {
  if (id === undefined) return undefined;
  if (variable === undefined) return { id };
  const secret = process.env[variable];
  if (secret !== undefined) return { id, secret };
  const text = `The environment variable ${variable} is not set`;
  throw new FaultError(fault("secret.missing", text, variable));
}

function portOf(word: string): number {
  const port = Number(word);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new FaultError(fault("usage.invalid", `"${word}" is not a port`, "auth"));
}

async function addressOf(units: readonly Unit[], name: string, platform: Platform): Promise<URL> {
  const unit = units.find((candidate) => candidate.upstream === name);
  if (unit === undefined) {
    const names = units.map((candidate) => candidate.upstream);
    const text = `The config has no upstream "${name}".${didYouMean(name, names)}`;
    throw new FaultError(fault("upstream.unknown", text.replace(/\.$/, ""), name));
  }
  const { reach } = unit;
  const refuse = (why: string): FaultError =>
    new FaultError(
      fault("usage.invalid", `There is no login for upstream "${name}": ${why}`, "auth"),
    );
  if (reach.kind !== "remote" || reach.wire === "ws") throw refuse("it is not reached over HTTP");
  if (Object.keys(reach.headers).some((header) => /^authorization$/i.test(header))) {
    throw refuse("the config has an Authorization header for it");
  }
  // What else the headers need may be known to the daemon alone.
  const bare = { ...unit, reach: { ...reach, headers: {} } };
  return orThrow(await resolveRemote(bare, { environment: process.env, platform })).url;
}

/** It tries again at once; one that does not run will see for itself. */
async function tellDaemon(): Promise<void> {
  await withDaemon((daemon) => daemon.request("mcpd/apply", {}, { timeoutMs: ANSWER_MS })).catch(
    () => null,
  );
}
