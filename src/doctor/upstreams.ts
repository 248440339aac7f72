import { join } from "node:path";

import { hintOf, isFault } from "../core/fault.ts";
import { bindUnit, mentionsProject } from "../core/scope.ts";
import { BUILTIN_UPSTREAM, type Unit } from "../core/unit.ts";
import { publicAddress } from "../lib/address.ts";
import type { Log } from "../lib/log.ts";
import { isSecretName, maskWord } from "../lib/secret.ts";
import { environmentOf } from "../platform/environment-of.ts";
import type { Environment } from "../platform/platform.ts";
import { type Launch, resolveLaunch } from "../supervise/environment.ts";
import { LoginPath } from "../supervise/login-path.ts";
import { networkReason } from "../transport/web.ts";
import { commandIn, type Finding, ofCondition } from "./finding.ts";
import { type Obstacle, probe } from "./probe.ts";
import { installOf } from "./runtimes.ts";
import type { Check, Scene } from "./scene.ts";

/** Starting all servers of a long config at once would be its own trouble. */
const AT_ONCE = 4;
const START_MAX_MS = 30_000;
const REMOTE_MS = 5_000;
/** No server is started after this time, so that all are ended before the check is given up. */
const BEGIN_MS = 80_000;
const LIMIT_MS = 120_000;
/** Shorter values are words that stand in every line. */
const SECRET_LENGTH_MIN = 8;

const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  child: () => SILENT,
  enabled: () => false,
};

/** Where an upstream is started: as the daemon would do it. */
type Real = { readonly environment: Environment; readonly path: string };

/**
 * Each upstream that does not run already is started with the environment it will have, and ended
 * again. What the daemon knows of those that failed is told in its words.
 */
export const upstreamsCheck: Check = {
  title: "upstreams",
  limitMs: LIMIT_MS,
  async run(scene) {
    const units = scene.config.revision.units.filter(
      ({ upstream, disabled }) => !disabled && upstream !== BUILTIN_UPSTREAM,
    );
    const real = await realEnvironment(scene);
    const found: Finding[] = [];
    const queue = [...units];
    const endMs = scene.clock.monotonic() + BEGIN_MS;
    const worker = async (): Promise<void> => {
      for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
        const late = scene.clock.monotonic() > endMs;
        found.push(...(late ? [notLookedAt(unit)] : await ofUnit(scene, unit, real)));
        if (scene.signal.aborted) return;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return found.toSorted((a, b) => a.subject.localeCompare(b.subject));
  },
};

function notLookedAt({ upstream }: Unit): Finding {
  const about = { name: "check.slow", subject: upstream, severity: "warning" } as const;
  const what = `Upstream "${upstream}" was not looked at`;
  const why = "The others took too long";
  return { ...about, what, why, mend: "mcpd doctor", fix: null };
}

async function ofUnit(scene: Scene, unit: Unit, real: Real): Promise<readonly Finding[]> {
  const { upstream, reach } = unit;
  const rows = scene.status?.upstreams.filter(({ name }) => name === upstream) ?? [];
  const runs = rows.some(({ state }) => state === "ready" || state === "starting");
  const known = scene.status?.conditions.filter(({ subject }) => subject === upstream) ?? [];
  if (runs) return known.map(ofCondition);
  if (reach.kind === "remote") {
    if (known.length > 0) return known.map(ofCondition);
    const places = [reach.url, ...(reach.others ?? [])];
    return (await Promise.all(places.map((url) => ofRemote(upstream, url)))).flat();
  }
  const { project, platform } = scene;
  const keyVariable = scene.config.revision.daemon.apiKeyEnv;
  if (project === null && mentionsProject(reach)) return [];
  const audience = { kind: "session", id: "doctor", project } as const;
  const bound = unit.scope === "user" ? unit : bindUnit(unit, audience);
  const launch = await resolveLaunch(bound, { ...real, platform, keyVariable });
  if (isFault(launch)) return [ofFault(upstream, { problem: launch, said: [] }, scene, real)];
  const timeoutMs = Math.min(unit.settings.startTimeoutMs, START_MAX_MS);
  const obstacle = await probe(launch, scene, timeoutMs);
  // What the daemon says of its own attempt stands, even if this one has gone well.
  if (obstacle === null) return known.map(ofCondition);
  const said = obstacle.said.map((line) => blanked(line, bound, launch));
  return [ofFault(upstream, { ...obstacle, said }, scene, real)];
}

/** Servers print what they were given, and people paste what a doctor says. */
function blanked(line: string, { reach }: Unit, { env }: Launch): string {
  const references = reach.kind === "stdio" ? reach.env : {};
  const isSecret = (name: string): boolean =>
    isSecretName(name) || (references[name] !== undefined && references[name].kind !== "text");
  const secrets = Object.entries(env).filter(
    ([name, value]) => isSecret(name) && value.length >= SECRET_LENGTH_MIN,
  );
  const plain = secrets.reduce((text, [, value]) => text.replaceAll(value, () => "***"), line);
  return plain.split(" ").map(maskWord).join(" ");
}

function ofFault(upstream: string, { problem, said }: Obstacle, scene: Scene, real: Real): Finding {
  const { code, text, data } = problem;
  const about = { name: code, subject: upstream, severity: "error", fix: null } as const;
  const command = data?.["command"];
  if (code === "upstream.not-found" && typeof command === "string") {
    return { ...about, ...notFound(command, upstream, scene, real) };
  }
  const words = said.length === 0 ? hintOf(problem) : `It says: ${said.join(" | ")}`;
  const mend = commandIn(hintOf(problem)) || "mcpd config edit";
  // What it printed just now is above, and in no log.
  return { ...about, what: text, why: words, mend: said.length > 0 ? "mcpd config edit" : mend };
}

/** The shell may have it where the daemon does not look. */
function notFound(
  command: string,
  upstream: string,
  { environment, platform }: Scene,
  { path }: Real,
): Pick<Finding, "what" | "why" | "mend"> {
  const inShell = platform.which(command, environment["PATH"] ?? "");
  const what = `Upstream "${upstream}" cannot start: there is no command "${command}"`;
  if (inShell !== null) {
    const why = `Your shell finds ${inShell}, which is not in the PATH of the daemon (${path})`;
    return { what, why, mend: "mcpd daemon install" };
  }
  const install = installOf(command, platform.name);
  const why = install === null ? `It is not in PATH (${path})` : install.why;
  return { what, why, mend: install?.command ?? "mcpd config edit" };
}

async function ofRemote(upstream: string, url: string): Promise<readonly Finding[]> {
  // What has a variable in it is known to the daemon only.
  if (/\$\{/.test(url)) return [];
  try {
    const signal = AbortSignal.timeout(REMOTE_MS);
    const address = url.replace(/^ws/, "http");
    const answer = await fetch(address, { method: "HEAD", redirect: "manual", signal });
    await answer.body?.cancel();
    return [];
  } catch (error) {
    const about = { name: "upstream.unreachable", subject: upstream, severity: "error" } as const;
    const what = `Upstream "${upstream}" cannot be reached: ${publicAddress(url)}`;
    return [{ ...about, what, why: networkReason(error), mend: "mcpd config edit", fix: null }];
  }
}

/** Of the daemon that runs, where the system tells; else as one started here would have it. */
async function realEnvironment({ status, environment, platform }: Scene): Promise<Real> {
  const own = status === null ? null : environmentOf(status.pid, platform.name);
  const real = own ?? environment;
  const cacheFile = join(platform.paths.dataDir, "login-path");
  const login = new LoginPath({ environment: real, platform, cacheFile, log: SILENT });
  return { environment: real, path: await login.get() };
}
