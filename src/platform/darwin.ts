import { posix } from "node:path";

import { systemClock } from "../lib/clock.ts";
import { darwinKeychain } from "./keychain.ts";
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
import { parsePs, treeUsage } from "./ps.ts";
import { systemTool } from "./run.ts";

/** Its dates and decimals are those of the caller's language and place, which we do not want. */
async function ps(...words: readonly string[]): Promise<string | null> {
  const { code, stdout } = await systemTool(["/bin/ps", ...words], { environment: NEUTRAL });
  return code === 0 ? stdout : null;
}

const NEUTRAL = { LC_ALL: "C", TZ: "UTC0" };

/** The trees of MISSION A3 on macOS. */
export function darwinPaths(home: string): Trees {
  const library = posix.join(home, "Library");
  const configDir = posix.join(library, "Preferences", "mcpd");
  const stateDir = posix.join(library, "Caches", "mcpd");
  const dataDir = posix.join(stateDir, "data");
  const programsDir = posix.join(library, "Application Support", "mcpd");
  return {
    programsDir,
    configDir,
    stateDir,
    logsDir: posix.join(library, "Logs", "mcpd"),
    dataDir,
    // macOS empties Caches when the disk is full.
    keptDir: posix.join(programsDir, "data"),
    cacheDir: posix.join(stateDir, "cache"),
    announcementFile: posix.join(library, "Caches", "Claude", "mcp-daemons", "mcpd.json"),
    ...placesIn({ programsDir, configDir, dataDir }),
  };
}

export function darwinPlatform(environment: Environment): Platform {
  const user = posixUser(environment);
  const trees = darwinPaths(user.home);
  const controlAddress = socketAddress([environment["XDG_RUNTIME_DIR"] ?? ""], trees.stateDir);
  return {
    name: "darwin",
    user,
    paths: { ...trees, controlAddress, bootstrapAddress: besideSocket(controlAddress) },
    signalTree: async (pid, signal) => signalGroup(pid, signal),
    keychain: darwinKeychain,
    treeAlive: groupExists,
    processIdentity: async (pid) => {
      const output = await ps("-o", "lstart=", "-p", String(pid));
      const started = output?.trim() ?? "";
      return started === "" ? null : started;
    },
    groupCarries: async (pid, name, value) => {
      // -E shows the environment behind the command, of our own processes only.
      const output = await ps("-axwwE", "-o", "pgid=,command=");
      return (output ?? "").split("\n").some((line) => {
        const words = line.trim().split(/\s+/);
        return words[0] === String(pid) && words.includes(`${name}=${value}`);
      });
    },
    usage: async (pid) => {
      const output = await ps("-axo", "pid=,ppid=,pgid=,rss=,time=");
      return output === null ? null : treeUsage(parsePs(output), pid);
    },
    loginPath: (timeoutMs) => loginShellPath(environment, timeoutMs, systemClock),
    which: (command, path) => Bun.which(command, { PATH: path }),
  };
}
