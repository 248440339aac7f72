import { existsSync, readFileSync } from "node:fs";

import { isFault } from "../core/fault.ts";
import { definitionText } from "../platform/service-template.ts";
import type { ServiceState } from "../platform/service.ts";
import { commandIn, type Finding, type Fix } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

const INSTALL = "mcpd daemon install";

/** Registered, running, by the right user, and with what a shell knows. */
export const serviceCheck: Check = {
  title: "service",
  limitMs: 20_000,
  async run(scene) {
    const { manager } = scene.service;
    const problem = await manager.unavailable();
    const state = await manager.state();
    const about = { subject: manager.label, fix: null } as const;
    if (problem !== null) {
      if (!state.registered && scene.status !== null) return [];
      // Without a registration, nobody has counted on it.
      const severity = state.registered ? "error" : "info";
      const why = "mcpd can run in the background without one: it ends with the machine";
      const what = problem.text;
      return [{ ...about, name: problem.code, severity, what, why, mend: "mcpd start" }];
    }
    if (!state.registered) {
      const what = `mcpd is not registered with ${manager.name}`;
      const why = "It does not start when you log in, but when a bridge or 'mcpd start' wants it";
      return [{ ...about, name: "service.missing", severity: "info", what, why, mend: INSTALL }];
    }
    return [...ofState(scene, state), ...(await ofDefinition(scene))];
  },
};

function ofState(scene: Scene, state: ServiceState): readonly Finding[] {
  const { manager } = scene.service;
  const about = { subject: manager.label, severity: "error" } as const;
  const found: Finding[] = [];
  if (!state.running && scene.config.revision.daemon.enabled) {
    const fix: Fix = { text: `Start ${manager.label}`, apply: () => manager.start() };
    const what = `The service is registered and does not run: ${state.detail}`;
    const why = "It was stopped, or ended; 'mcpd daemon logs' has its last words";
    found.push({ ...about, name: "service.stopped", what, why, mend: "mcpd daemon start", fix });
  }
  if (!state.enabled) {
    const fix = registering(scene);
    const what = "The service does not start at the next login";
    const why = `${manager.label} is registered, but disabled`;
    found.push({ ...about, name: "service.disabled", what, why, mend: INSTALL, fix });
  }
  const isStrange = state.pid !== null && !isOwn(scene, state.pid);
  if (isStrange) {
    const what = `The service runs as another user (pid ${state.pid})`;
    const why = `It has other files than ${scene.platform.user.name}, and other rights`;
    found.push({ ...about, name: "service.user", what, why, mend: INSTALL, fix: null });
  }
  const notes = state.notes.map(({ text, hint }): Finding => {
    const mend = /: (loginctl .+)$/.exec(hint)?.[1] ?? commandIn(hint);
    const note = { name: "service.note", severity: "info", what: text, why: hint, mend } as const;
    return { ...about, ...note, fix: null };
  });
  return [...found, ...notes];
}

/** The list of processes has those of this user alone, but on Windows. */
function isOwn({ processes, platform }: Scene, pid: number): boolean {
  if (processes === null || platform.name === "windows") return true;
  return processes.some((one) => one.pid === pid) || platform.name === "darwin";
}

/** What the manager starts beside what we would have it start now. */
async function ofDefinition(scene: Scene): Promise<readonly Finding[]> {
  const { manager, spec } = scene.service;
  const definition = manager.definition(spec);
  if (isFault(definition)) {
    const { code, text } = definition;
    const about = { name: code, subject: manager.label, severity: "error" } as const;
    const why = "The service runs on as it was registered, but cannot be registered again";
    return [{ ...about, what: text, why, mend: "mcpd daemon template", fix: null }];
  }
  const about = { subject: definition.path, mend: INSTALL, fix: registering(scene) } as const;
  if (!existsSync(definition.path)) {
    const what = `The definition of the service is gone: ${definition.path}`;
    const why = `It was removed by hand, and ${manager.name} goes on with what it remembers`;
    return [{ ...about, name: "service.definition", severity: "warning", what, why }];
  }
  const now = definitionText(readFileSync(definition.path));
  const wanted = definitionText(definition.bytes);
  if (now === wanted) return [];
  const program = await manager.program();
  if (program !== null && !existsSync(program)) {
    const what = `The service starts ${program}, which is not there`;
    const why = "The program was moved, rebuilt or removed";
    return [{ ...about, name: "service.program", severity: "error", what, why }];
  }
  if (program !== null && program !== spec.program) {
    const what = `The service starts another program: ${program}`;
    const why = `This one is ${spec.program}`;
    return [{ ...about, name: "service.other", severity: "info", what, why, fix: null }];
  }
  const lost = missingFrom(now, spec.path);
  if (lost.length > 0) {
    const what = `PATH of the service lacks what your shell has: ${lost.join(", ")}`;
    const why = "Servers whose command is only there are not found";
    return [{ ...about, name: "service.path", severity: "warning", what, why }];
  }
  const what = `The definition of the service is not what mcpd would write: ${definition.path}`;
  const why = "It was edited, or written by another version; a template of yours survives";
  return [{ ...about, name: "service.edited", severity: "info", what, why }];
}

function registering({ service: { manager, spec } }: Scene): Fix {
  return {
    text: `Register ${manager.label} again, with the PATH of your shell`,
    apply: () => manager.register(spec),
  };
}

/** Directories of the shell's PATH that exist and that no PATH of the definition names. */
function missingFrom(definition: string, path: string): readonly string[] {
  const separator = path.includes(";") ? ";" : ":";
  const found = new Set(definition.replaceAll("%%", "%").split(/[\s:;="'<>]+/));
  return [...new Set(path.split(separator))].filter(
    (directory) => directory !== "" && existsSync(directory) && !found.has(directory),
  );
}
