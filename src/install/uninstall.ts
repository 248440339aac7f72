import { rmSync } from "node:fs";
import { dirname, join } from "node:path";

import { rootFault } from "../core/elevation.ts";
import { type Fault, fault, FaultError } from "../core/fault.ts";
import { until } from "../lib/until.ts";
import { checkOutside, otherCopy, whyForeign } from "./checks.ts";
import type { Plan } from "./install.ts";
import type { Machine } from "./machine.ts";
import { withoutDirectory } from "./path-lines.ts";
import { hasLines, isOurs, onPath, rcFiles, removeLines, USER_PATH } from "./path-steps.ts";
import { partialsIn, removeEmpty, sweep } from "./place.ts";
import { exists, type Installed, ownFolders, readInstalled } from "./state.ts";
import type { Step } from "./steps.ts";
import { notInstalled } from "./upgrade.ts";

/** An orderly end takes its upstreams with it, and some of them take their time. */
const END_MS = 10_000;
const LOOK_EVERY_MS = 50;

/**
 * All that `mcpd uninstall` does (MISSION A11). It is not taken back: what is left when a step
 * fails is removed by the next run. The receipt goes last: it says what there is to remove.
 */
export function planUninstall(machine: Machine, purge: boolean): Plan | Fault {
  const { layout, paths, service } = machine;
  const installed = readInstalled(layout);
  const foreign = installed.info === null ? null : whyForeign(installed.info);
  if (foreign !== null) return foreign;
  const kept = [paths.configDir, paths.stateDir].filter(exists);
  const nothing =
    installed.info === null && !exists(layout.program) && installed.versions.length === 0;
  // What an earlier uninstall kept can be purged later, but not by a slip in --prefix.
  const later = purge && kept.length > 0 && layout.root === paths.programsDir;
  if (nothing && !later) return notInstalled(layout);
  const steps = [
    checkRoot(machine),
    ...(purge ? [checkAlone(machine)] : []),
    ...(service === null ? [] : [checkOutside(machine), unregister(machine, service)]),
    endProcesses(machine),
    ...pathSteps(machine, installed),
    step(`Remove the sockets and ${paths.cacheDir}`, async () => {
      // Another copy runs on them.
      if ((await otherCopy(service, layout.program)) === null) removeTraces(machine);
    }),
    ...(purge ? purgeSteps(machine) : []),
    step(`Remove ${layout.root}`, () => removePrograms(machine)),
  ];
  const notes = purge ? [] : [`Kept, for the next install: ${[...new Set(kept)].join(" and ")}`];
  return { steps, notes: kept.length === 0 ? [] : notes };
}

function checkRoot({ user, environment }: Machine): Step {
  const apply = (): Fault | null => rootFault(user, environment);
  return { title: "Check the environment", looks: true, apply };
}

/** Copies share their config, key and data. */
function checkAlone({ service, layout }: Machine): Step {
  return {
    title: "Check that no other copy works with the config",
    looks: true,
    async apply() {
      const other = await otherCopy(service, layout.program);
      if (other === null) return null;
      const text = `Cannot remove config, logs and data: ${other} works with them`;
      return fault("install.other", text, other);
    },
  };
}

function unregister(machine: Machine, service: NonNullable<Machine["service"]>): Step {
  return {
    title: `Stop ${service.label} and take it out of ${service.name}`,
    async apply() {
      const other = await otherCopy(service, machine.layout.program);
      return other === null ? await service.unregister() : null;
    },
  };
}

function endProcesses(machine: Machine): Step {
  return step("End what runs of it", async () => {
    const { clock, layout, service } = machine;
    // Also one that runs from elsewhere: its sockets are going to be removed.
    if ((await otherCopy(service, layout.program)) === null) await machine.askToStop();
    const remaining = async (): Promise<readonly number[]> =>
      await machine.processesIn(layout.root);
    for (const signal of ["terminate", "kill"] as const) {
      for (const pid of await remaining()) await machine.signal(pid, signal);
      const gone = async (): Promise<boolean> => (await remaining()).length === 0;
      if (await until(clock, { patienceMs: END_MS, pollMs: LOOK_EVERY_MS }, gone)) return;
    }
    const left = await remaining();
    if (left.length === 0) return;
    const text = `Cannot end what runs of mcpd: process ${left.join(", ")} stays`;
    throw new FaultError(fault("file.failed", text, layout.root));
  });
}

/** Lines, links and entries for PATH: those of the receipt, and what an install would make. */
function pathSteps(machine: Machine, { info }: Installed): readonly Step[] {
  const { user, layout, environment, userPath } = machine;
  const usual = rcFiles(user.home, environment["SHELL"] ?? "").map(({ path }) => path);
  const files = [...new Set([...(info?.pathFiles ?? []), ...usual])].filter(hasLines);
  const links = [...new Set([...(info?.links ?? []), join(user.home, ".local", "bin", "mcpd")])];
  const ours = links.filter((link) => isOurs(link, layout.program));
  const steps = [
    ...files.map((file) => step(`Take mcpd out of ${file}`, () => void removeLines(file))),
    ...ours.map((link) => step(`Remove the link ${link}`, () => rmSync(link, { force: true }))),
  ];
  // Not asked for nothing: where PowerShell is locked, it cannot be read.
  const isAdded = info === null || info.pathFiles.includes(USER_PATH);
  if (userPath === null || !(isAdded || onPath(machine, layout.binDir))) return steps;
  const takeOut = step(`Take ${layout.binDir} out of your PATH`, async () => {
    const before = await userPath.read();
    const after = withoutDirectory(before, layout.binDir);
    if (after !== before) await userPath.write(after);
  });
  return [...steps, takeOut];
}

/** What is of no use without a program. */
function removeTraces({ paths }: Machine): void {
  for (const socket of [paths.controlAddress, paths.bootstrapAddress]) {
    if (socket.startsWith("\\\\.\\pipe\\")) continue;
    rmSync(socket, { force: true });
    if (dirname(socket) !== paths.stateDir) removeEmpty(dirname(socket));
  }
  rmSync(paths.cacheDir, { recursive: true, force: true });
  // A server that was killed has not taken back where it listens.
  const { announcementFile } = paths;
  rmSync(announcementFile, { force: true });
  const directory = dirname(announcementFile);
  if (removeEmpty(directory)) removeEmpty(dirname(directory));
}

function purgeSteps({ paths }: Machine): readonly Step[] {
  const { logsDir, dataDir, keptDir, stateDir, configDir } = paths;
  return [...new Set([logsDir, dataDir, keptDir, stateDir, configDir])]
    .filter(exists)
    .map((directory) =>
      step(`Remove ${directory} and all that is in it`, () =>
        rmSync(directory, { recursive: true, force: true }),
      ),
    );
}

/** Only what is ours: --prefix may have named a folder that holds other things. */
function removePrograms({ layout, removeLater }: Machine): void {
  const { root, binDir, versionsDir, program, versionFile, infoFile } = layout;
  sweep(ownFolders(layout));
  // Beside it on Windows: the same program without a console window, made for the service.
  const windowless = program.replace(/\.exe$/i, "w.exe");
  sweep([program, windowless, `${windowless}.old`, ...partialsIn([binDir, root])]);
  // What still runs (Windows) has got another name, and goes when it has ended.
  const running = partialsIn([binDir, versionsDir, root]);
  if (running.length > 0) removeLater(running);
  for (const directory of [binDir, versionsDir]) removeEmpty(directory);
  rmSync(versionFile, { force: true });
  rmSync(infoFile, { force: true });
}

function step(title: string, act: () => void | Promise<void>): Step {
  return {
    title,
    async apply() {
      await act();
      return null;
    },
  };
}
