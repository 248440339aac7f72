import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

import type { Entry } from "../clients/client.ts";
import { CLIENTS } from "../clients/registry.ts";
import { type ClientFile, isConcerned, isInstalled, type Look, lookAt } from "../clients/scan.ts";
import { connected, editedInTurn } from "../clients/setup.ts";
import { type Fault, hintOf, isFault } from "../core/fault.ts";
import { shellWord } from "../lib/text.ts";
import { type Finding, type Fix } from "./finding.ts";
import { keyOf, type Registered, registeredIn } from "./registered.ts";
import type { Check, Scene } from "./scene.ts";

/** What each client has of us, and whether it gets there by it. */
export const clientsCheck: Check = {
  title: "clients",
  limitMs: 15_000,
  run(scene) {
    const { where, link } = scene.clients;
    const concerned = CLIENTS.filter((client) => isConcerned(client, where));
    const looks = concerned.flatMap((client) => lookAt(client, where, link));
    return [...looks.flatMap((look) => ofLook(scene, look)), ...unconnected(scene, looks)];
  },
};

function ofLook(scene: Scene, look: Look): readonly Finding[] {
  if (look.kind === "unusable") {
    const { problem, client } = look;
    const about = { name: problem.code, subject: client.id, severity: "warning" } as const;
    const what = `${client.title}: ${problem.text}`;
    return [{ ...about, what, why: hintOf(problem), mend: "mcpd clients", fix: null }];
  }
  return [...look.servers].flatMap(([name, entry]) => {
    const registered = registeredIn(entry, look.ours.includes(name), scene);
    return registered === null ? [] : ofRegistration(scene, look, { name, entry, registered });
  });
}

type Named = { readonly name: string; readonly entry: Entry; readonly registered: Registered };

/** One entry of a client that is meant for us. */
function ofRegistration(scene: Scene, file: ClientFile, named: Named): readonly Finding[] {
  const { registered } = named;
  const { server, project } = registered;
  const { units } = scene.config.revision;
  const known = server === null || units.some(({ upstream }) => upstream === server);
  const wrong = wrongProject(file, project);
  if (!known) {
    const why = `There is no upstream "${server}" in the config`;
    return [finding(file, named, "client.server", why, null)];
  }
  if (wrong !== null) {
    return [finding(file, named, "client.project", wrong, reconnecting(scene, file, named))];
  }
  const off = file.whyOff(named.name);
  if (off !== null) return [finding(file, named, "client.off", off, null)];
  const dead = registered.kind === "http" ? ofUrl(scene, registered) : ofCommand(scene, registered);
  return dead === null
    ? []
    : [finding(file, named, "client.dead", dead, reconnecting(scene, file, named))];
}

function finding(
  { client, before }: ClientFile,
  { name, registered: { server } }: Named,
  kind: string,
  why: string,
  fix: Fix | null,
): Finding {
  const what = `${client.title} does not get to mcpd by "${name}" in ${before.path}`;
  const one = server === null ? "" : ` --server ${shellWord(server)}`;
  // What a client's user has switched off there, no command of ours switches on.
  const mends: { readonly [kind: string]: string } = {
    "client.server": `mcpd disconnect ${client.id}`,
    "client.off": "",
  };
  const mend = mends[kind] ?? `mcpd connect ${client.id}${one}`;
  return { name: kind, subject: client.id, severity: "error", what, why, mend, fix };
}

function ofUrl(scene: Scene, { url, key }: Registered & { readonly kind: "http" }): string | null {
  const { status, config } = scene;
  const live = status?.urls?.mcp;
  const port = live === undefined ? String(config.revision.daemon.port) : new URL(live).port;
  if (url.port !== port) return `It asks port ${url.port || "80"}, the daemon has ${port}`;
  if (!/^\/(mcp|sse|ws)(\/|$)/.test(url.pathname)) {
    return `${url.pathname} is no endpoint: it is /mcp, /sse or /ws`;
  }
  if (key === null || config.revision.daemon.auth !== "api_key") return null;
  // Where we cannot see the right one, it is not called wrong.
  return key === (keyOf(scene) ?? key) ? null : "The key in it is not that of the daemon";
}

function ofCommand(
  scene: Scene,
  registered: Registered & { readonly kind: "bridge" },
): string | null {
  const { command, config } = registered;
  const found = isAbsolute(command)
    ? existsSync(command)
    : scene.platform.which(command, scene.environment["PATH"] ?? "") !== null;
  if (!found) return `It starts ${command}, which is not there`;
  if (config !== null && !existsSync(config))
    return `It names the config ${config}, which is not there`;
  return null;
}

/** Why the project that an entry names is not the one it is meant for. */
function wrongProject({ project: here }: ClientFile, project: string | null): string | null {
  if (project === null) return null;
  if (!existsSync(project)) return `Its project ${project} is not there`;
  if (here !== null && project !== here) {
    return `It names the project ${project}, and stands in ${here}`;
  }
  return null;
}

/** Writes the entry anew, as 'mcpd connect' does; 'mcpd undo' takes it back. */
function reconnecting(scene: Scene, file: ClientFile, { name, registered }: Named): Fix {
  const { journal, link } = scene.clients;
  const { client, before } = file;
  return {
    text: `Connect ${client.title} again in ${before.path}`,
    async apply(): Promise<Fault | null> {
      const what = { name, server: registered.server, remove: [] };
      const changes = editedInTurn([file], (list) => connected(list, link, what));
      if (isFault(changes)) return changes;
      const applied = await journal.apply("doctor", changes);
      return isFault(applied) ? applied : (applied.failed[0] ?? null);
    },
  };
}

/** By us or by hand, and whether it gets there or not. */
function isRegistered(scene: Scene, look: Look): boolean {
  if (look.kind === "unusable") return false;
  return [...look.servers].some(
    ([name, entry]) => registeredIn(entry, look.ours.includes(name), scene) !== null,
  );
}

/** Told once for all of them: who does not want it would hear it every time. */
function unconnected(scene: Scene, looks: readonly Look[]): readonly Finding[] {
  const users = new Set(looks.filter((look) => isRegistered(scene, look)).map((one) => one.client));
  const { clients, config } = scene;
  const without = CLIENTS.filter(
    (client) => isInstalled(client, clients.where) && !users.has(client),
  );
  // Nobody is connected yet: that is the beginning, not a trouble.
  if (without.length === 0 || config.revision.units.length === 0) return [];
  const names = without.map(({ title }) => title).join(", ");
  const what = `These clients do not use mcpd: ${names}`;
  const why = "They start servers of their own";
  const about = { name: "clients.direct", subject: "", severity: "info" } as const;
  return [{ ...about, what, why, mend: "mcpd setup", fix: null }];
}
