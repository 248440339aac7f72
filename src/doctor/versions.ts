import { realpathSync } from "node:fs";

import { layoutOf } from "../install/layout.ts";
import { readInstalled } from "../install/state.ts";
import { shellWord } from "../lib/text.ts";
import type { Finding } from "./finding.ts";
import type { Check, Scene } from "./scene.ts";

/** One version everywhere: what runs, what is installed, what a terminal finds. */
export const versionsCheck: Check = {
  title: "versions",
  limitMs: 5_000,
  run: (scene) => [...ofRunning(scene), ...ofInstalled(scene)],
};

function ofRunning({ status, bootstrap, version }: Scene): readonly Finding[] {
  const running = status?.version ?? bootstrap?.version ?? version;
  if (running === version) return [];
  const what = `The daemon is version ${running}, this program is ${version}`;
  const why = "It runs on with the program it was started from until it is restarted";
  const mend = bootstrap?.service === true ? "mcpd daemon restart" : "mcpd restart";
  const about = { name: "version.differs", subject: "", severity: "warning" } as const;
  return [{ ...about, what, why, mend, fix: null }];
}

function ofInstalled({ platform, environment, version }: Scene): readonly Finding[] {
  const { info, torn, leftovers } = readInstalled(layoutOf(platform.paths));
  const { program } = platform.paths;
  const about = { subject: program, fix: null } as const;
  const found: Finding[] = [];
  if (torn || leftovers.length > 0) {
    const what = "An install or upgrade was cut off in the middle";
    const why = "The next one goes back to what the receipt says, and then goes on";
    const mend = "mcpd install";
    found.push({ ...about, name: "install.torn", severity: "warning", what, why, mend });
  }
  if (info === null) return found;
  if (info.version !== version) {
    const what = `The installed copy is version ${info.version}, this program is ${version}`;
    const mend = "mcpd install";
    const why = `Services and clients start ${program}`;
    found.push({ ...about, name: "version.installed", severity: "info", what, why, mend });
  }
  const first = platform.which("mcpd", environment["PATH"] ?? "");
  if (first !== null && !isSame(first, program)) {
    const what = `A terminal finds another mcpd first: ${first}`;
    const why = `The installed copy is ${program}`;
    const mend = `rm ${shellWord(first)}`;
    found.push({ ...about, name: "path.other", severity: "warning", what, why, mend });
  }
  return found;
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
