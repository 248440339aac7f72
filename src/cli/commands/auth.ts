import { type Fault, fault, FaultError } from "../../core/fault.ts";
import { replicaUnits } from "../../core/replica-units.ts";
import { didYouMean } from "../../core/spelling.ts";
import type { Unit } from "../../core/unit.ts";
import { systemClock } from "../../lib/clock.ts";
import { openInBrowser } from "../../platform/browser.ts";
import type { Platform } from "../../platform/platform.ts";
import type { LoginOptions } from "../../server/oauth-flow.ts";
import { resolveRemote } from "../../supervise/remote-target.ts";
import { command } from "../command.ts";
import { openConfig, orThrow } from "../config-file.ts";
import { ANSWER_MS, withDaemon } from "../here.ts";
import { usage } from "../parse.ts";
import { wholeNumber } from "../values.ts";

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
    url: {
      type: "string",
      valueHint: "URL",
      description: "Which of several urls; without it, each of them in turn",
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
    const urls = chosen(await addressesOf(units, upstream, platform), args.url);
    const { CredentialStore } = await import("../../server/oauth-store.ts");
    const places = urls.map((url) => {
      return {
        url,
        store: new CredentialStore(platform.paths.keptDir, upstream, url, systemClock),
      };
    });
    if (args.logout) {
      let known = false;
      for (const { store } of places) {
        known = (await store.exclusively(async () => store.remove())) || known;
      }
      if (options.json) output.json({ upstream, loggedIn: false });
      else output.notes.success(known ? `Logged out of "${upstream}"` : "There was no login");
      await tellDaemon();
      return 0;
    }
    const { logIn } = await import("../../server/oauth-flow.ts");
    const terms = {
      upstream,
      clock: systemClock,
      scope: args.scope,
      client: clientOf(args["client-id"], args["client-secret-env"]),
      port:
        args.port === undefined
          ? undefined
          : wholeNumber(args.port, "--port", { min: 1, max: 65_535 }, "auth"),
      patienceMs: PATIENCE_MS,
      show: (address: URL) => {
        const opened = args.browser && openInBrowser(platform, address, process.env["PATH"] ?? "");
        const text = opened ? "Log in in your browser, or open:" : "Open this address to log in:";
        if (options.json) output.print(JSON.stringify({ upstream, open: address.href }));
        else output.print(`${text}\n\n  ${address.href}\n`);
      },
    };
    const problems: Fault[] = [];
    for (const place of places) {
      const problem = await logIn({ ...terms, ...place });
      if (problem !== null) problems.push(problem);
    }
    // What has come of the others counts although one has failed.
    if (problems.length < places.length) await tellDaemon();
    const [problem] = problems;
    if (problem !== undefined) throw new FaultError(problem);
    if (options.json) output.print(JSON.stringify({ upstream, loggedIn: true }));
    else output.notes.success(`Logged in at "${upstream}"`);
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

function noLogin(name: string, why: string): FaultError {
  return usage(`There is no login for upstream "${name}": ${why}`, "auth");
}

/** All addresses, or the one that is named. */
function chosen(urls: readonly URL[], named: string | undefined): readonly URL[] {
  if (named === undefined) return urls;
  const found = urls.filter(({ href }) => URL.canParse(named) && href === new URL(named).href);
  if (found.length > 0) return found;
  const known = urls.map(({ origin, pathname }) => origin + pathname).join(", ");
  throw usage(`${named} is none of its addresses: they are ${known}`, "auth");
}

/** One address, or several that serve the same. */
async function addressesOf(
  units: readonly Unit[],
  name: string,
  platform: Platform,
): Promise<readonly URL[]> {
  const unit = units.find((candidate) => candidate.upstream === name);
  if (unit === undefined) {
    const names = units.map((candidate) => candidate.upstream);
    const text = `The config has no upstream "${name}"${didYouMean(name, names)}`;
    throw new FaultError(fault("upstream.unknown", text, name));
  }
  const { reach } = unit;
  if (reach.kind !== "remote" || reach.wire === "ws") {
    throw noLogin(name, "it is not reached over HTTP");
  }
  if (Object.keys(reach.headers).some((header) => /^authorization$/i.test(header))) {
    throw noLogin(name, "the config has an Authorization header for it");
  }
  // What else the headers need may be known to the daemon alone.
  const bare = { ...unit, reach: { ...reach, headers: {} } };
  const replicas = replicaUnits(bare);
  const deps = { environment: process.env, platform };
  const ones = replicas.length === 0 ? [bare] : replicas;
  const targets = await Promise.all(ones.map((one) => resolveRemote(one, deps)));
  return targets.map((target) => orThrow(target).url);
}

/** It tries again at once; one that does not run will see for itself. */
async function tellDaemon(): Promise<void> {
  await withDaemon((daemon) => daemon.request("mcpd/apply", {}, { timeoutMs: ANSWER_MS })).catch(
    () => null,
  );
}
