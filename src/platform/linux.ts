import { readdirSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { isAbsolute, posix } from "node:path";

import { systemClock } from "../lib/clock.ts";
import { environmentOf } from "./environment-of.ts";
import { linuxKeychain } from "./keychain.ts";
import { loginShellPath } from "./login-path.ts";
import type { Environment, Platform } from "./platform.ts";
import {
  besideSocket,
  groupExists,
  placesIn,
  posixUser,
  signalGroup,
  socketAddress,
  type Trees,
} from "./posix.ts";
import { type ProcessRow, treeUsage } from "./ps.ts";

/** USER_HZ, which /proc counts in, is 100 on every architecture we build for. */
const TICK_MS = 10;
/** getauxval(3). */
const AT_PAGESZ = 6n;

/** The trees of MISSION A3 on Linux. Relative XDG directories are ignored, as the XDG rules say. */
export function linuxPaths(environment: Environment, home: string): Trees {
  const base = (variable: string, fallback: string): string => {
    const value = environment[variable];
    const root = value !== undefined && isAbsolute(value) ? value : posix.join(home, fallback);
    return posix.join(root, "mcpd");
  };
  const configDir = base("XDG_CONFIG_HOME", ".config");
  const stateDir = base("XDG_STATE_HOME", ".local/state");
  const dataDir = posix.join(stateDir, "data");
  const programsDir = base("XDG_DATA_HOME", ".local/share");
  return {
    programsDir,
    configDir,
    stateDir,
    logsDir: posix.join(stateDir, "logs"),
    dataDir,
    keptDir: dataDir,
    cacheDir: base("XDG_CACHE_HOME", ".cache"),
    announcementFile: posix.join(posix.dirname(programsDir), "Claude", "mcp-daemons", "mcpd.json"),
    ...placesIn({ programsDir, configDir, dataDir }),
  };
}

export function linuxPlatform(environment: Environment): Platform {
  const user = posixUser(environment);
  const trees = linuxPaths(environment, user.home);
  // MCP clients give what they start a bare environment, and sudo that of another user: the login
  // manager's place is known anyway, or a bridge would look elsewhere than the daemon's socket is.
  const places = [environment["XDG_RUNTIME_DIR"] ?? "", `/run/user/${userInfo().uid}`];
  const controlAddress = socketAddress(places, trees.stateDir);
  return {
    name: "linux",
    user,
    paths: { ...trees, controlAddress, bootstrapAddress: besideSocket(controlAddress) },
    signalTree: async (pid, signal) => signalGroup(pid, signal),
    keychain: async (service, account, ending) =>
      await linuxKeychain(service, account, { environment, ending }),
    treeAlive: (pid) => groupExists(pid) && groupMembers(pid).length > 0,
    processIdentity: async (pid) => {
      const row = readProcess(pid);
      return row === null ? null : `${bootId()}/${row.startTicks}`;
    },
    groupCarries: async (pid, name, value) =>
      groupMembers(pid).some((row) => environmentOf(row.pid, "linux")?.[name] === value),
    usage: async (pid) => treeUsage(processTable(), pid),
    loginPath: (timeoutMs) => loginShellPath(environment, timeoutMs, systemClock),
    which: (command, path) => Bun.which(command, { PATH: path }),
  };
}

type LinuxRow = ProcessRow & { readonly state: string; readonly startTicks: number };

/** Reads one line of /proc/PID/stat; the name in it may hold spaces and brackets. */
export function parseStat(text: string, pageBytes: number): LinuxRow | null {
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const startTicks = fields[19];
  if (end < 0 || startTicks === undefined) return null;
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
    startTicks: Number(startTicks),
    residentBytes: Number(fields[21]) * pageBytes,
  };
}

/** A living process, or null; a zombie is none. */
function readProcess(pid: number, pageBytes = 0): LinuxRow | null {
  try {
    const row = parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"), pageBytes);
    return row === null || row.state === "Z" || row.state === "X" ? null : row;
  } catch {
    return null;
  }
}

function processTable(): readonly LinuxRow[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const pageBytes = pageSize();
  return pids.map((pid) => readProcess(Number(pid), pageBytes)).filter((row) => row !== null);
}

/** Only the living ones: where process 1 does not reap, a group of zombies would stay for ever. */
function groupMembers(group: number): readonly LinuxRow[] {
  return processTable().filter((row) => row.group === group);
}

/** From the auxiliary vector (pairs of 64 bits): on arm64 a page may have 4, 16 or 64 KiB. */
function pageSize(): number {
  const vector = readFileSync("/proc/self/auxv");
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
  }
  return 4096;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
