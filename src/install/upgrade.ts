import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { type Fault, fault, isFault } from "../core/fault.ts";
import { writeFileAtomic } from "../lib/files.ts";
import { programIn } from "./archive.ts";
import {
  checkEnvironment,
  checkInstalled,
  checkOther,
  checkOutside,
  checkSpace,
} from "./checks.ts";
import {
  layVersion,
  pruneVersions,
  repairSteps,
  stateVersion,
  swapProgram,
  writeReceipt,
} from "./deploy.ts";
import { previousOf } from "./install.ts";
import { type InstallInfo, type Layout, programOf } from "./layout.ts";
import type { Keeper, Machine } from "./machine.ts";
import { partialBeside } from "./place.ts";
import { checkSum, type Fetch, type Release, releaseUrl } from "./release.ts";
import { rememberService, restartService, verifyHealth } from "./service-steps.ts";
import { type Installed, readInstalled } from "./state.ts";
import { faultOfSystem, type Step, unlessInterrupted } from "./steps.ts";
import { isVersion } from "./versions.ts";

/** An archive has about 40 MB. */
const ARCHIVE_BYTES_MAX = 300 * 1024 * 1024;
const PROGRAM_BYTES_GUESSED = 120 * 1024 * 1024;
const FIRST_RUN_MS = 30_000;

/** Where the new version comes from, its version known and, but for one case, signed. */
export type Source =
  | {
      readonly kind: "network";
      readonly version: string;
      readonly release: Release;
      readonly base: string;
      readonly file: string;
      readonly get: Fetch;
    }
  /** A file whose signature has been checked, or need not be. */
  | { readonly kind: "file"; readonly version: string; readonly path: string }
  /** A version that is kept from an earlier upgrade. */
  | { readonly kind: "kept"; readonly version: string };

/** All that `mcpd upgrade` does once it is known what to (MISSION A10). Changes nothing. */
export function planUpgrade(
  machine: Machine,
  source: Source,
  allowDowngrade: boolean,
): readonly Step[] | Fault {
  const { layout, service } = machine;
  const installed = readInstalled(layout);
  const { info } = installed;
  if (info === null) return notInstalled(layout);
  const { version } = source;
  const previous = previousOf(installed, version);
  const incoming = join(partialBeside(join(layout.versionsDir, version)), basename(layout.program));
  const found = { commit: "" };
  const receipt = (): InstallInfo => ({
    ...info,
    version,
    commit: found.commit,
    installedAt: new Date(machine.clock.now()).toISOString(),
    previous,
  });
  const kept = service === null || info.service === null ? null : service;
  const keeper = kept ?? machine.background;
  return [
    checkEnvironment(machine),
    checkSpace(machine, () => PROGRAM_BYTES_GUESSED),
    checkInstalled(installed, version, allowDowngrade || source.kind === "kept"),
    ...(kept === null ? [] : [checkOther(machine), checkOutside(machine)]),
    rememberService(machine, keeper),
    ...repairSteps(layout, installed),
    ...arrival(machine, source, incoming, found),
    swapProgram(layout, version),
    stateVersion(layout, version),
    ...restartSteps(machine, keeper, version),
    writeReceipt(layout, receipt),
    pruneVersions(layout, [version, previous]),
  ];
}

/** The fault of having nothing to upgrade or remove. */
export function notInstalled(layout: Layout): Fault {
  return fault(
    "install.missing",
    `mcpd is not installed in ${layout.root}: it has no INSTALL_INFO`,
  );
}

/** From the source to the folder of its version, run once on the way. */
function arrival(
  machine: Machine,
  source: Source,
  incoming: string,
  found: { commit: string },
): readonly Step[] {
  const { layout } = machine;
  const { version } = source;
  if (source.kind === "kept") {
    return [tryOut(machine, programOf(layout, version), version, found)];
  }
  return [
    fetchStep(source, incoming, basename(layout.program)),
    tryOut(machine, incoming, version, found),
    layVersion(layout, version, () => incoming),
  ];
}

/** Download or file, unpacked to the disk it will stay on. The last step removes what it leaves. */
function fetchStep(source: Source, incoming: string, name: string): Step {
  const title =
    source.kind === "network"
      ? `Download ${source.file} of mcpd ${source.version} and check it`
      : `Unpack mcpd ${source.version}`;
  return {
    title,
    async apply(interrupt) {
      const folder = dirname(incoming);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      try {
        const archive = source.kind === "file" ? source.path : join(folder, "archive");
        if (source.kind === "network") {
          const bytes = await unlessInterrupted(download(source), interrupt);
          if (isFault(bytes)) return undone(folder, bytes);
          writeFileAtomic(archive, bytes, { durable: false });
        }
        const program = await programIn(archive, name);
        if (isFault(program)) return undone(folder, program);
        writeFileAtomic(incoming, program, { mode: 0o755 });
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
      return () => rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function download(source: Source & { kind: "network" }): Promise<Uint8Array | Fault> {
  const url = releaseUrl(source.base, source.version, source.file);
  if (isFault(url)) return url;
  const bytes = await source.get(url, ARCHIVE_BYTES_MAX);
  if (isFault(bytes)) return bytes;
  return checkSum(source.release, source.file, bytes) ?? bytes;
}

function undone(folder: string, problem: Fault): Fault {
  rmSync(folder, { recursive: true, force: true });
  return problem;
}

/** A program of another system, or a damaged one, is found before anything depends on it. */
function tryOut(
  machine: Machine,
  program: string,
  version: string,
  found: { commit: string },
): Step {
  const tried = async (): Promise<Fault | null> => {
    const said = await versionOf(machine, program);
    if (isFault(said)) return said;
    if (said === version) {
      const { output } = await machine.run([program, "version", "--json"], FIRST_RUN_MS);
      found.commit = /"commit": "([^"]*)"/.exec(output)?.[1] ?? "";
      return null;
    }
    const text = `Cannot use the new mcpd: it says that it is ${said}, and ${version} was expected`;
    return fault("install.broken", text, program);
  };
  return {
    title: `Run mcpd ${version} once`,
    apply: async (interrupt) => await unlessInterrupted(tried(), interrupt),
  };
}

/** What a program says when it is asked for its version. */
async function versionOf(machine: Machine, program: string): Promise<string | Fault> {
  const { exitCode, output } = await machine.run([program, "--version"], FIRST_RUN_MS);
  const said = /^mcpd (\S+)\s*$/.exec(output)?.[1];
  // It becomes the name of a folder.
  if (exitCode === 0 && said !== undefined && isVersion(said)) return said;
  const state = exitCode === null ? "it does not run on this machine" : `exit code ${exitCode}`;
  return fault("install.broken", `Cannot use the new mcpd: ${state}`, program);
}

function restartSteps(machine: Machine, keeper: Keeper, version: string): readonly Step[] {
  const restart = restartService(machine, keeper, version);
  const verify = verifyHealth(machine, version);
  // A service that its user has stopped stays so: the new version runs when it is started.
  let restarted = false;
  const restartRunning: Step = {
    ...restart,
    async apply(interrupt) {
      restarted = (await keeper.state()).running;
      return restarted ? await restart.apply(interrupt) : null;
    },
  };
  const verifyRestarted: Step = {
    ...verify,
    apply: async (interrupt) => (restarted ? await verify.apply(interrupt) : null),
  };
  return [restartRunning, verifyRestarted];
}

/** The source of `mcpd upgrade --rollback`: after one that was cut off, what the receipt says. */
export function keptSource(installed: Installed): Source | Fault {
  const { info, versions, torn } = installed;
  const previous = (torn ? info?.version : info?.previous) ?? null;
  if (previous !== null && versions.includes(previous)) return { kind: "kept", version: previous };
  return fault("install.alone");
}

/**
 * The version of a file that nobody has signed: only the program itself can say it. It is unpacked
 * to where it would be installed, since a temporary directory may not run programs.
 */
export async function unsignedVersion(machine: Machine, path: string): Promise<string | Fault> {
  const { layout } = machine;
  const folder = partialBeside(join(layout.versionsDir, "unsigned"));
  const program = join(folder, basename(layout.program));
  try {
    const bytes = await programIn(path, basename(layout.program));
    if (isFault(bytes)) return bytes;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileAtomic(program, bytes, { mode: 0o755 });
    return await versionOf(machine, program);
  } catch (error) {
    return faultOfSystem(error, `unpack ${path}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
