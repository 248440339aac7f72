import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { basename, delimiter, dirname, join, resolve } from "node:path";

import type { Fault } from "../core/fault.ts";
import { errorCode, writeFileAtomic } from "../lib/files.ts";
import type { Machine } from "./machine.ts";
import {
  pathLine,
  type Shell,
  withDirectory,
  withLines,
  withoutDirectory,
  withoutLines,
} from "./path-lines.ts";
import { exists } from "./state.ts";
import type { Step, Undo } from "./steps.ts";

/** How the command "mcpd" is going to be found. */
export type PathPlan =
  /** It is already, or it cannot be. */
  | { readonly kind: "none"; readonly note: string | null }
  | { readonly kind: "link"; readonly link: string }
  | { readonly kind: "files"; readonly files: readonly RcFile[] }
  | { readonly kind: "registry" };

/** In a receipt: the PATH of this user in the registry of Windows. */
export const USER_PATH = "HKCU\\Environment";

export type RcFile = { readonly path: string; readonly shell: Shell };

/** Decides it; changes nothing. A file of a shell is changed only when it was asked for. */
export function planPath(machine: Machine, modifyPath: boolean): PathPlan {
  const { layout, environment, user, userPath } = machine;
  if (onPath(machine, layout.binDir)) return { kind: "none", note: null };
  if (userPath !== null) {
    const note = `Add it to your PATH: mcpd install --modify-path, or run ${layout.program}`;
    return modifyPath ? { kind: "registry" } : { kind: "none", note };
  }
  const link = join(user.home, ".local", "bin", "mcpd");
  if (onPath(machine, dirname(link)) && (!exists(link) || isOurs(link, layout.program))) {
    return { kind: "link", link };
  }
  if (layout.binDir.includes(":")) {
    return { kind: "none", note: `${layout.binDir} cannot be on PATH: it has a colon in it` };
  }
  if (modifyPath) return { kind: "files", files: rcFiles(user.home, environment["SHELL"] ?? "") };
  const line = pathLine(layout.binDir, user.home, "posix");
  return { kind: "none", note: `mcpd is not on your PATH. Add this line to ~/.profile: ${line}` };
}

/** The steps of a plan, and what the receipt has to name for the uninstall. */
export function pathSteps(
  machine: Machine,
  plan: PathPlan,
): { readonly steps: readonly Step[]; readonly links: string[]; readonly files: string[] } {
  const { layout, user } = machine;
  switch (plan.kind) {
    case "none":
      return { steps: [], links: [], files: [] };
    case "link":
      return { steps: [linkStep(plan.link, layout.program)], links: [plan.link], files: [] };
    case "files": {
      const steps = plan.files.map(({ path, shell }) =>
        linesStep(path, pathLine(layout.binDir, user.home, shell)),
      );
      return { steps, links: [], files: plan.files.map(({ path }) => path) };
    }
    case "registry":
      return { steps: registrySteps(machine), links: [], files: [USER_PATH] };
  }
}

/** The files that shells of this user read when they start; some may not exist yet. */
export function rcFiles(home: string, shell: string): readonly RcFile[] {
  const name = basename(shell);
  const files: RcFile[] = [];
  const add = (path: string, always: boolean, kind: Shell = "posix"): void => {
    const whole = join(home, path);
    if (always || exists(whole)) files.push({ path: whole, shell: kind });
  };
  add(".profile", true);
  // Where one of these exists, bash does not read .profile.
  add(".bash_profile", false);
  add(".bash_login", false);
  add(".bashrc", name === "bash");
  add(".zprofile", name === "zsh");
  add(".zshrc", name === "zsh");
  const fish = join(".config", "fish");
  if (name === "fish" || exists(join(home, fish)))
    add(join(fish, "conf.d", "mcpd.fish"), true, "fish");
  return files;
}

/** True when a file has lines of ours. */
export function hasLines(path: string): boolean {
  if (!existsSync(path)) return false;
  const text = readFileSync(path, "latin1");
  return withoutLines(text) !== text;
}

/** Takes our lines out of a file; true when there were any. */
export function removeLines(path: string): boolean {
  if (!existsSync(path)) return false;
  const file = realpathSync(path);
  const before = readFileSync(file, "latin1");
  const after = withoutLines(before);
  if (after === before) return false;
  if (after === null) rmSync(path);
  else rewrite(file, after);
  return true;
}

/** True for a symbolic link to our program, also when that has gone. */
export function isOurs(link: string, program: string): boolean {
  try {
    return resolve(dirname(link), readlinkSync(link)) === program;
  } catch (error) {
    if (errorCode(error) === "EINVAL" || errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** Whether what this process was started with finds programs in a directory. */
export function onPath({ environment }: Machine, directory: string): boolean {
  const path = environment["PATH"] ?? environment["Path"] ?? "";
  return path.split(delimiter).some((entry) => entry !== "" && resolve(entry) === directory);
}

function linkStep(link: string, program: string): Step {
  return {
    title: `Link ${link} to ${program}`,
    apply() {
      if (isOurs(link, program)) return null;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(program, link);
      return () => rmSync(link, { force: true });
    },
  };
}

function linesStep(path: string, line: string): Step {
  return {
    title: `Add mcpd to PATH in ${path}`,
    apply() {
      // Bytes, one for one: what else is in the file may have any encoding.
      const added = Buffer.from(line, "utf8").toString("latin1");
      if (!existsSync(path)) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileAtomic(path, Buffer.from(withLines(null, added), "latin1"), { mode: 0o644 });
      } else {
        // Of a link, the file it names: people keep these in repositories of their own.
        const file = realpathSync(path);
        const before = readFileSync(file, "latin1");
        const after = withLines(before, added);
        if (after === before) return null;
        rewrite(file, after);
      }
      return () => {
        removeLines(path);
      };
    },
  };
}

function rewrite(file: string, text: string): void {
  const { mode } = statSync(file);
  writeFileAtomic(file, Buffer.from(text, "latin1"), { mode: mode & 0o777 });
  chmodSync(file, mode & 0o777);
}

function registrySteps({ userPath, layout }: Machine): readonly Step[] {
  if (userPath === null) return [];
  const title = `Add ${layout.binDir} to your PATH`;
  const apply = async (): Promise<Undo | null | Fault> => {
    const before = await userPath.read();
    const after = withDirectory(before, layout.binDir);
    if (after === before) return null;
    await userPath.write(after);
    return async () => userPath.write(withoutDirectory(await userPath.read(), layout.binDir));
  };
  return [{ title, apply }];
}
